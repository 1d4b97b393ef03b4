"""HTTP push: articles by `POST /v1/articles` onto the stream, answered when Kafka has acknowledged them."""
