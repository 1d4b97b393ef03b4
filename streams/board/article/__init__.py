"""One article, found by its id: where it stands on `articles`, what was found in it, and why.

An index on disk (`index.py`), kept by a thread that follows `classifications` (`follower.py`), says at which offset an article stands;
one read of Kafka fetches it (`shelf.py`); the model, loaded when it is first needed, explains it (`explaining.py`); `desk.py` holds these
together, `shown.py` and `page.py` make the page.
"""
