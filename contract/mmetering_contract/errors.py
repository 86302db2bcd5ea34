"""What can be wrong with something that came over the broker.

ContractError        the message is at fault: trying again does not help
├── TopicError       the topic is not one of ours
└── PayloadError     the payload does not say what its topic promises
    └── MalformedError   it is not even JSON
"""


class ContractError(ValueError):
    """Say what is wrong with a message; it will be as wrong the next time."""


class TopicError(ContractError):
    """Say why a topic is not one of ours."""


class PayloadError(ContractError):
    """Say where and why a payload breaks its type."""


class MalformedError(PayloadError):
    """Say where a payload is no JSON."""
