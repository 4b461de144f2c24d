package fix

// soh ends every field.
const soh = 0x01

// SessionRejectReason (373).
const (
	rejectInvalidTag       = 0
	rejectRequiredMissing  = 1
	rejectTagNotForMessage = 2
	rejectNoValue          = 4
	rejectValueOutOfRange  = 5
	rejectDataFormat       = 6
	rejectCompID           = 9
	rejectSendingTime      = 10
	rejectMsgType          = 11
	rejectTagTwice         = 13
	rejectTagOrder         = 14
	rejectGroupCount       = 16
	rejectOther            = 99
)

// sessionRejectText is the Text (58) that goes with a SessionRejectReason.
func sessionRejectText(reason uint8) string {
	switch reason {
	case rejectInvalidTag:
		return "Invalid tag number"
	case rejectRequiredMissing:
		return "Required tag missing"
	case rejectTagNotForMessage:
		return "Tag not defined for this message type"
	case rejectNoValue:
		return "Tag specified without a value"
	case rejectValueOutOfRange:
		return "Value is incorrect (out of range) for this tag"
	case rejectDataFormat:
		return "Incorrect data format for value"
	case rejectCompID:
		return "CompID problem"
	case rejectSendingTime:
		return "SendingTime accuracy problem"
	case rejectMsgType:
		return "Invalid MsgType"
	case rejectTagTwice:
		return "Tag appears more than once"
	case rejectTagOrder:
		return "Tag specified out of required order"
	case rejectGroupCount:
		return "Incorrect NumInGroup count for repeating group"
	}
	return "Other"
}

// BusinessRejectReason (380).
const (
	businessOther              = 0
	businessUnknownSecurity    = 2
	businessUnsupportedMsgType = 3
	businessNotAuthorized      = 6
)

// businessRejectText is the Text (58) that goes with a BusinessRejectReason.
func businessRejectText(reason uint8) string {
	if reason == businessUnsupportedMsgType {
		return "Unsupported Message Type"
	}
	return "Other"
}
