"""A Kafka cluster that trusts nobody: certificates and passwords (`credentials`), accounts and their rights (`access`)."""
