package secretbroker

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Reason says why a call failed. Decide by it: several reasons share a gRPC code, and messages may change.
//
// A reason is an error, so that errors.Is(err, secretbroker.SecretNotFound) asks for it.
type Reason string

// Error is the reason's own name.
func (r Reason) Error() string { return string(r) }

// The reasons a broker of this version gives; docs/errors.md says what to do about each.
const (
	SecretNotFound        Reason = "SECRET_NOT_FOUND"
	VersionNotFound       Reason = "VERSION_NOT_FOUND"
	FieldNotFound         Reason = "FIELD_NOT_FOUND"
	KeyNotHosted          Reason = "KEY_NOT_HOSTED"
	SecretDeleted         Reason = "SECRET_DELETED"
	PolicyDenied          Reason = "POLICY_DENIED"
	AccessModeDenied      Reason = "ACCESS_MODE_DENIED"
	CredentialMissing     Reason = "CREDENTIAL_MISSING"
	CredentialInvalid     Reason = "CREDENTIAL_INVALID"
	CredentialExpired     Reason = "CREDENTIAL_EXPIRED"
	VersionMismatch       Reason = "VERSION_MISMATCH"
	SecretExists          Reason = "SECRET_EXISTS"
	IdempotencyConflict   Reason = "IDEMPOTENCY_CONFLICT"
	CapabilityUnsupported Reason = "CAPABILITY_UNSUPPORTED"
	FieldInvalid          Reason = "FIELD_INVALID"
	PayloadCorrupt        Reason = "PAYLOAD_CORRUPT"
	RateLimited           Reason = "RATE_LIMITED"
	ManagerQuota          Reason = "MANAGER_QUOTA"
	ManagerUnavailable    Reason = "MANAGER_UNAVAILABLE"
	BreakerOpen           Reason = "BREAKER_OPEN"
	StaleTooOld           Reason = "STALE_TOO_OLD"
	AuditUnavailable      Reason = "AUDIT_UNAVAILABLE"
	IdentityUnavailable   Reason = "IDENTITY_UNAVAILABLE"
	ManagerTimeout        Reason = "MANAGER_TIMEOUT"
	RevisionCompacted     Reason = "REVISION_COMPACTED"
	ManagerReplyInvalid   Reason = "MANAGER_REPLY_INVALID"
	CallCancelled         Reason = "CALL_CANCELLED"
	ConfigInvalid         Reason = "CONFIG_INVALID"
	InternalError         Reason = "INTERNAL_ERROR"
)

const errorDomain = "secretbroker.dev"

// Violation is one field of a request that breaks a rule.
type Violation struct {
	Field       string
	Description string
}

// Error is how every failed call of this package ends; get it with errors.As. It never holds a payload.
type Error struct {
	Reason Reason
	Code   codes.Code
	// Message is for people.
	Message string
	// Metadata holds facts such as the secret's name and the request_id the call has in the broker's log.
	Metadata map[string]string
	// Violations names every field that is wrong, where Reason is FieldInvalid.
	Violations []Violation
	// RetryDelay is how long to wait before the call is repeated; 0 where the broker did not say.
	RetryDelay time.Duration
}

// Error is the message and the reason.
func (e *Error) Error() string {
	return fmt.Sprintf("secretbroker: %s (%s)", e.Message, e.Reason)
}

// Is tells whether target is the error's Reason, or the context error its code stands for.
func (e *Error) Is(target error) bool {
	if reason, ok := target.(Reason); ok {
		return e.Reason == reason
	}
	switch e.Code {
	case codes.DeadlineExceeded:
		return target == context.DeadlineExceeded
	case codes.Canceled:
		return target == context.Canceled
	default:
		return false
	}
}

// fromCall turns what gRPC returns into an *Error. It is not wrapped: a program that is a gRPC server itself would
// otherwise hand the broker's status on to its own callers.
func fromCall(err error) error {
	if err == nil {
		return nil
	}
	if own := (*Error)(nil); errors.As(err, &own) {
		return own
	}
	return fromStatus(status.Convert(err).Proto())
}

// fromStatus turns a status, of a call or inside a batch, into an *Error.
func fromStatus(s *statuspb.Status) *Error {
	code := codes.Code(s.GetCode())
	failure := &Error{Reason: reasonOf(code), Code: code, Message: s.GetMessage()}
	for _, packed := range s.GetDetails() {
		detail, err := packed.UnmarshalNew()
		if err != nil {
			// What a peer sends that is no such message counts as not there.
			continue
		}
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			if detail.GetDomain() == errorDomain {
				failure.Reason, failure.Metadata = Reason(detail.GetReason()), detail.GetMetadata()
			}
		case *errdetails.BadRequest:
			for _, each := range detail.GetFieldViolations() {
				failure.Violations = append(failure.Violations, Violation{each.GetField(), each.GetDescription()})
			}
		case *errdetails.RetryInfo:
			failure.RetryDelay = detail.GetRetryDelay().AsDuration()
		}
	}
	return failure
}

// reasonOf is the nearest reason of a status without details, which gRPC makes before or without the broker.
func reasonOf(code codes.Code) Reason {
	switch code {
	case codes.Canceled:
		return CallCancelled
	case codes.DeadlineExceeded:
		return ManagerTimeout
	case codes.Unavailable:
		return ManagerUnavailable
	case codes.Unimplemented:
		return CapabilityUnsupported
	case codes.ResourceExhausted:
		return RateLimited
	case codes.Unauthenticated:
		return CredentialInvalid
	case codes.PermissionDenied:
		return PolicyDenied
	default:
		return InternalError
	}
}

func invalidField(field, description string) *Error {
	return &Error{
		Reason:     FieldInvalid,
		Code:       codes.InvalidArgument,
		Message:    field + " " + description,
		Violations: []Violation{{field, description}},
	}
}

func invalidReply(what string) *Error {
	return &Error{Reason: ManagerReplyInvalid, Code: codes.Internal, Message: "the broker answered with " + what}
}
