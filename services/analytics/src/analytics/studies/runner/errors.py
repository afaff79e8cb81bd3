"""What may become of a worker."""


class WorkerDiedError(Exception):
    """The worker is gone, could not be started, or has said something that is no message."""


class WorkerHungError(WorkerDiedError):
    """A call has not come to its end in its time."""
