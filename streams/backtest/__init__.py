"""What would have been said over an archive, week by week, with what was known then: the code of the stream, without Kafka."""
