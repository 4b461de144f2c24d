package fix

// Tags of the fields that the code names. The dictionary knows more.
const (
	tagAvgPx                = 6
	tagBeginSeqNo           = 7
	tagBeginString          = 8
	tagBodyLength           = 9
	tagCheckSum             = 10
	tagClOrdID              = 11
	tagCumQty               = 14
	tagEndSeqNo             = 16
	tagExecID               = 17
	tagExecInst             = 18
	tagLastPx               = 31
	tagLastQty              = 32
	tagMsgSeqNum            = 34
	tagMsgType              = 35
	tagNewSeqNo             = 36
	tagOrderID              = 37
	tagOrderQty             = 38
	tagOrdStatus            = 39
	tagOrdType              = 40
	tagOrigClOrdID          = 41
	tagPossDupFlag          = 43
	tagPrice                = 44
	tagRefSeqNum            = 45
	tagSenderCompID         = 49
	tagSendingTime          = 52
	tagSide                 = 54
	tagSymbol               = 55
	tagTargetCompID         = 56
	tagText                 = 58
	tagTimeInForce          = 59
	tagTransactTime         = 60
	tagEncryptMethod        = 98
	tagStopPx               = 99
	tagCxlRejReason         = 102
	tagOrdRejReason         = 103
	tagHeartBtInt           = 108
	tagMinQty               = 110
	tagMaxFloor             = 111
	tagTestReqID            = 112
	tagOnBehalfOfCompID     = 115
	tagOnBehalfOfSubID      = 116
	tagOrigSendingTime      = 122
	tagGapFillFlag          = 123
	tagExpireTime           = 126
	tagDeliverToCompID      = 128
	tagDeliverToSubID       = 129
	tagResetSeqNumFlag      = 141
	tagOnBehalfOfLocationID = 144
	tagDeliverToLocationID  = 145
	tagExecType             = 150
	tagLeavesQty            = 151
	tagCashOrderQty         = 152
	tagEffectiveTime        = 168
	tagRefTagID             = 371
	tagRefMsgType           = 372
	tagSessionRejectReason  = 373
	tagBusinessRejectReason = 380
	tagExpireDate           = 432
	tagCxlRejResponseTo     = 434
	tagSecondaryExecID      = 527
	tagUsername             = 553
	tagPassword             = 554
	tagNextExpectedSeqNum   = 789
)

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
	businessUnsupportedMsgType = 3
)

// businessRejectText is the Text (58) that goes with a BusinessRejectReason.
func businessRejectText(reason uint8) string {
	if reason == businessUnsupportedMsgType {
		return "Unsupported Message Type"
	}
	return "Other"
}
