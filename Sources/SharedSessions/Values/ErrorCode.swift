/// The stable codes of the HTTP contract that the domain can answer, each with its HTTP status.
///
/// The raw value is what a script replies and what a client sees.
public enum ErrorCode: String, Sendable, CaseIterable {
  case invalidBody = "INVALID_BODY"
  case invalidField = "INVALID_FIELD"
  case invalidQuery = "INVALID_QUERY"
  case invalidAction = "INVALID_ACTION"
  case invalidOption = "INVALID_OPTION"
  case optionRequired = "OPTION_REQUIRED"
  case invalidAnswer = "INVALID_ANSWER"
  case missingCredentials = "MISSING_CREDENTIALS"
  case missingHostSessionID = "MISSING_HOST_SESSION_ID"
  case missingHostUserID = "MISSING_HOST_USER_ID"
  case missingUserID = "MISSING_USER_ID"
  case emptyMessage = "EMPTY_MESSAGE"
  case emptyPrompt = "EMPTY_PROMPT"
  case reasonRequired = "REASON_REQUIRED"
  case apiKeyRequired = "API_KEY_REQUIRED"
  case invalidAPIKey = "INVALID_API_KEY"
  case invalidHostToken = "INVALID_HOST_TOKEN"
  case hostTokenRequired = "HOST_TOKEN_REQUIRED"
  case invalidParticipantToken = "INVALID_PARTICIPANT_TOKEN"
  case invalidInviteToken = "INVALID_INVITE_TOKEN"
  case invalidTicket = "INVALID_TICKET"
  case hostIdentityReserved = "HOST_IDENTITY_RESERVED"
  case hostRequired = "HOST_REQUIRED"
  case authorRequired = "AUTHOR_REQUIRED"
  case commentNotAllowed = "COMMENT_NOT_ALLOWED"
  case promptNotAllowed = "PROMPT_NOT_ALLOWED"
  case sessionNotFound = "SESSION_NOT_FOUND"
  case hostSessionNotFound = "HOST_SESSION_NOT_FOUND"
  case participantNotFound = "PARTICIPANT_NOT_FOUND"
  case approvalNotFound = "APPROVAL_NOT_FOUND"
  case dispatchNotFound = "DISPATCH_NOT_FOUND"
  case inviteNotFound = "INVITE_NOT_FOUND"
  case sessionInactive = "SESSION_INACTIVE"
  case participantInactive = "PARTICIPANT_INACTIVE"
  case approvalAlreadyResolved = "APPROVAL_ALREADY_RESOLVED"
  case userAlreadyJoined = "USER_ALREADY_JOINED"
  case sessionFull = "SESSION_FULL"
  case messageLimit = "MESSAGE_LIMIT"
  case approvalLimit = "APPROVAL_LIMIT"
  case sessionLimit = "SESSION_LIMIT"
  case hostSessionExists = "HOST_SESSION_EXISTS"
  case dispatchConflict = "DISPATCH_CONFLICT"
  case controlNotAvailable = "CONTROL_NOT_AVAILABLE"
  case alreadyVoted = "ALREADY_VOTED"
  case contentNotSupported = "CONTENT_NOT_SUPPORTED"
  case contentNotFound = "CONTENT_NOT_FOUND"
  case attachmentTooLarge = "ATTACHMENT_TOO_LARGE"
  case promptChanged = "PROMPT_CHANGED"
  case firstTokenRequired = "FIRST_TOKEN_REQUIRED"
  case inviteLimit = "INVITE_LIMIT"
  case idempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED"
  case streamLimit = "STREAM_LIMIT"
  case rateLimited = "RATE_LIMITED"
  case unavailable = "UNAVAILABLE"
  case outcomeUnknown = "OUTCOME_UNKNOWN"
  case internalError = "INTERNAL_ERROR"

  /// The HTTP status that goes with the code.
  public var status: Int {
    switch self {
    case .invalidBody, .invalidField, .invalidQuery, .invalidAction, .missingCredentials, .missingHostSessionID,
      .missingHostUserID, .missingUserID, .emptyMessage, .emptyPrompt, .reasonRequired, .invalidOption,
      .optionRequired, .invalidAnswer:
      400
    case .apiKeyRequired: 401
    case .invalidAPIKey, .invalidHostToken, .hostTokenRequired, .invalidParticipantToken, .invalidInviteToken,
      .invalidTicket, .hostIdentityReserved, .hostRequired, .authorRequired, .commentNotAllowed, .promptNotAllowed:
      403
    case .sessionNotFound, .hostSessionNotFound, .participantNotFound, .approvalNotFound, .dispatchNotFound,
      .inviteNotFound, .contentNotFound:
      404
    case .sessionInactive, .participantInactive, .approvalAlreadyResolved, .userAlreadyJoined, .sessionFull,
      .messageLimit, .approvalLimit, .sessionLimit, .hostSessionExists, .dispatchConflict, .promptChanged,
      .controlNotAvailable,
      .firstTokenRequired, .inviteLimit, .alreadyVoted, .contentNotSupported:
      409
    case .attachmentTooLarge: 413
    case .idempotencyKeyReused: 422
    case .streamLimit, .rateLimited: 429
    case .internalError: 500
    case .unavailable: 503
    case .outcomeUnknown: 504
    }
  }

  /// The sentence a person reads when the place that failed has nothing more exact to say.
  public var sentence: String {
    switch self {
    case .invalidBody: "The body is not what this route takes."
    case .invalidField: "A field is beyond its bounds."
    case .invalidQuery: "A query parameter has a value this route does not take."
    case .invalidAction: "The action must be 'approve' or 'reject'."
    case .invalidOption: "The agent offers no option with this id."
    case .optionRequired: "The agent offers no option of that kind; say which one you mean with 'optionId'."
    case .invalidAnswer: "Approving this question needs an 'answer' with its fields."
    case .missingCredentials: "This call needs a participant's id and access token."
    case .missingHostSessionID: "'hostSessionId' must not be blank."
    case .missingHostUserID: "'hostUserId' must not be blank."
    case .missingUserID: "'userId' must not be blank."
    case .emptyMessage: "A message needs some text."
    case .emptyPrompt: "A prompt needs some text."
    case .apiKeyRequired: "This call needs an API key in 'X-API-Key'."
    case .invalidAPIKey: "That API key is not known here."
    case .invalidHostToken: "That is not this host session's token."
    case .hostTokenRequired: "Sharing this host session needs its host token as the bearer."
    case .invalidParticipantToken: "That is not a valid access token of this participant."
    case .invalidInviteToken: "That invite is not valid for this session; ask the host for a new one."
    case .invalidTicket: "That stream ticket was used already, has expired or never existed."
    case .hostIdentityReserved: "That user is the host of this session and cannot be joined with an invite."
    case .hostRequired: "Only the host may do this."
    case .authorRequired: "Only the author of a prompt may withdraw it."
    case .commentNotAllowed: "This session's mode and your role do not allow comments."
    case .promptNotAllowed: "This session's mode and your role do not allow prompts."
    case .sessionNotFound: "There is no such shared session."
    case .hostSessionNotFound: "There is no such host session."
    case .participantNotFound: "There is no such participant in this session."
    case .approvalNotFound: "There is no such approval in this session."
    case .dispatchNotFound: "There is no such dispatch of this host session."
    case .sessionInactive: "This shared session has ended."
    case .participantInactive: "This participant has left the session."
    case .approvalAlreadyResolved: "This approval was resolved already."
    case .userAlreadyJoined: "This user has joined already; send that participant's credentials to join again."
    case .sessionFull: "This session has as many participants as it may have."
    case .messageLimit: "This session has as many messages as it may have."
    case .approvalLimit: "Too many prompts are waiting; resolve some first."
    case .sessionLimit: "This host session shares as many sessions as it may."
    case .hostSessionExists: "That host session id is taken; send its host token to attach to it again."
    case .dispatchConflict: "This report is out of date: the dispatch has ended or was handed out again."
    case .controlNotAvailable: "The agent offers no such option, or not this value of it."
    case .alreadyVoted: "You have voted for this prompt already; others have to agree."
    case .contentNotSupported: "This session's agent does not take content of that kind."
    case .contentNotFound: "There is no such attachment, or its bytes are no longer kept."
    case .attachmentTooLarge: "An attachment is larger than it may be."
    case .promptChanged: "This is not the prompt you were shown; read it again before you decide."
    case .reasonRequired: "A rejection needs a reason here."
    case .firstTokenRequired:
      "This participant's first access token is no longer valid, so it is not certain who they are; they must leave and join again."
    case .inviteLimit: "This session has as many invites as it may have."
    case .inviteNotFound: "There is no such invite of this session."
    case .idempotencyKeyReused: "This Idempotency-Key was used with another body."
    case .streamLimit: "Too many streams are open."
    case .rateLimited: "Too many requests; wait a moment."
    case .unavailable: "The store is not available; nothing was changed. Try again in a moment."
    case .outcomeUnknown:
      "The store did not answer in time, so it is not known whether this took effect; retry with the same Idempotency-Key."
    case .internalError: "Internal error."
    }
  }
}

/// A refusal or failure of the domain: a value with a stable code and a sentence for a person.
public struct SharedSessionError: Error, Sendable, Hashable {
  /// What a program goes by.
  public var code: ErrorCode
  /// What a person reads; never holds a token or an internal detail.
  public var message: String
  /// Seconds after which another try makes sense, for 429 and 503.
  public var retryAfter: Int?

  /// Makes an error; without a message the code's own sentence is used.
  public init(_ code: ErrorCode, _ message: String? = nil, retryAfter: Int? = nil) {
    self.code = code
    self.message = message ?? code.sentence
    self.retryAfter = retryAfter
  }
}
