"""The codes of the contract and the status that each goes with."""

from __future__ import annotations

from support.client import check_error_body

BY_STATUS: dict[int, str] = {
    400: "INVALID_BODY INVALID_FIELD INVALID_QUERY INVALID_ACTION INVALID_OPTION OPTION_REQUIRED MISSING_CREDENTIALS "
    "MISSING_HOST_SESSION_ID MISSING_HOST_USER_ID MISSING_USER_ID EMPTY_MESSAGE EMPTY_PROMPT REASON_REQUIRED "
    "MALFORMED_REQUEST INVALID_ANSWER",
    401: "API_KEY_REQUIRED",
    403: "INVALID_API_KEY INVALID_HOST_TOKEN HOST_TOKEN_REQUIRED INVALID_PARTICIPANT_TOKEN INVALID_INVITE_TOKEN "
    "INVALID_TICKET HOST_IDENTITY_RESERVED HOST_REQUIRED AUTHOR_REQUIRED COMMENT_NOT_ALLOWED PROMPT_NOT_ALLOWED "
    "ORIGIN_NOT_ALLOWED",
    404: "NOT_FOUND SESSION_NOT_FOUND HOST_SESSION_NOT_FOUND PARTICIPANT_NOT_FOUND APPROVAL_NOT_FOUND "
    "DISPATCH_NOT_FOUND INVITE_NOT_FOUND CONTENT_NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "REQUEST_TIMEOUT",
    409: "SESSION_INACTIVE PARTICIPANT_INACTIVE APPROVAL_ALREADY_RESOLVED USER_ALREADY_JOINED SESSION_FULL "
    "MESSAGE_LIMIT APPROVAL_LIMIT SESSION_LIMIT HOST_SESSION_EXISTS DISPATCH_CONFLICT PROMPT_CHANGED "
    "FIRST_TOKEN_REQUIRED INVITE_LIMIT CONTENT_NOT_SUPPORTED CONTROL_NOT_AVAILABLE ALREADY_VOTED",
    413: "BODY_TOO_LARGE ATTACHMENT_TOO_LARGE",
    414: "URI_TOO_LONG",
    415: "UNSUPPORTED_MEDIA_TYPE",
    421: "HOST_NOT_ALLOWED",
    422: "IDEMPOTENCY_KEY_REUSED",
    429: "STREAM_LIMIT RATE_LIMITED",
    431: "HEADERS_TOO_LARGE",
}
STATUS_OF = {code: status for status, codes in BY_STATUS.items() for code in codes.split()}


def check_error(status: int, headers: dict[str, str], content: bytes) -> str:
    """An error of the contract's form, with a code it knows, under that code's status. Redis works here: no 5xx."""
    assert status < 500, f"{status}: {content[:400]!r}"
    code = check_error_body(status, headers, content, f"a {status}")["code"]
    assert code in STATUS_OF, f"{status} with a code the contract does not know: {code}"
    assert STATUS_OF[code] == status, f"{code} goes with {STATUS_OF[code]}, not with {status}"
    return code
