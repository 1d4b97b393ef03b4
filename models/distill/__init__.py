"""Training of the encoder (`models.train_encoder`): needs the packages of requirements/train.lock, and is never imported to classify."""
