"""What a text says: language, actors, passages, labels, domains. No Kafka, no network, no clock.

`models.predict.Predictor` is the way in: texts in, one `models.results.Classified` each out.
"""
