package secretbroker

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

// WriteOptions is what a write may say besides the payload.
type WriteOptions struct {
	// Description is kept as it was when nil.
	Description *string
	// Tags are kept as they were when empty.
	Tags map[string]string
	// ExpectedVersion writes only if this is the active version; 0 means that the secret must not exist.
	ExpectedVersion *uint32
	// IdempotencyID makes a repetition with the same id and content be answered as the first time.
	IdempotencyID string
	// ExpireTime is when the version stops being readable; never when zero.
	ExpireTime time.Time
	// KeepActive leaves the active version as it is.
	KeepActive bool
	// Options are handed to the manager untouched.
	Options map[string]any
}

// Write writes a new version and, unless told otherwise, makes it the active one. options may be nil.
func (c *Client) Write(ctx context.Context, name string, payload Payload, options *WriteOptions) (*Version, error) {
	request := &pb.WriteSecretRequest{Name: name}
	if err := payload.check(); err != nil {
		return nil, err
	}
	if payload.isBinary {
		request.Payload = &pb.WriteSecretRequest_Binary{Binary: payload.binary}
	} else {
		request.Payload = &pb.WriteSecretRequest_Text{Text: payload.text}
	}
	if err := applyWriteOptions(request, options); err != nil {
		return nil, err
	}
	response, err := unary(ctx, c, c.broker.WriteSecret, request, request.GetRequestId() != "")
	if err != nil {
		return nil, err
	}
	return toVersion(response.GetVersion()), nil
}

func applyWriteOptions(request *pb.WriteSecretRequest, options *WriteOptions) error {
	if options == nil {
		return nil
	}
	managerOptions, err := fromOptions(options.Options)
	if err != nil {
		return err
	}
	request.Options = managerOptions
	request.Description = options.Description
	request.Tags = options.Tags
	request.ExpectedVersion = options.ExpectedVersion
	request.RequestId = options.IdempotencyID
	request.ExpireTime = fromTime(options.ExpireTime)
	if options.KeepActive {
		request.Activate = new(bool)
	}
	return nil
}

// DeleteOptions is what a deletion may say.
type DeleteOptions struct {
	// RecoveryWindowInDays is for how long the secret can be restored; 7 when nil. 0 destroys it at once.
	RecoveryWindowInDays *uint32
	// ExpectedVersion deletes only if this is the active version.
	ExpectedVersion *uint32
	// MustExist makes an absent name an error.
	MustExist bool
	// IdempotencyID makes a repetition with the same id and content be answered as the first time.
	IdempotencyID string
	// Options are handed to the manager untouched.
	Options map[string]any
}

// Deletion is what became of a deletion.
type Deletion struct {
	// Deleted tells whether there was anything to delete.
	Deleted bool
	// UID is the generation that was deleted. Empty when the manager keeps none.
	UID string
	// RestorableUntil is zero when the secret cannot be restored.
	RestorableUntil time.Time
}

// Delete deletes a secret. An absent name is a result, not an error, unless MustExist is set. options may be nil.
func (c *Client) Delete(ctx context.Context, name string, options *DeleteOptions) (*Deletion, error) {
	request := &pb.DeleteSecretRequest{Name: name}
	if options != nil {
		managerOptions, err := fromOptions(options.Options)
		if err != nil {
			return nil, err
		}
		request.Options = managerOptions
		request.RecoveryWindowInDays = options.RecoveryWindowInDays
		request.ExpectedVersion = options.ExpectedVersion
		request.MustExist = options.MustExist
		request.RequestId = options.IdempotencyID
	}
	response, err := unary(ctx, c, c.broker.DeleteSecret, request, request.GetRequestId() != "")
	if err != nil {
		return nil, err
	}
	status := response.GetStatus()
	if status == pb.DeleteStatus_DELETE_STATUS_UNSPECIFIED {
		return nil, invalidReply("a deletion without a status")
	}
	return &Deletion{
		Deleted:         status == pb.DeleteStatus_DELETE_STATUS_DELETED,
		UID:             response.GetUid(),
		RestorableUntil: toTime(response.GetRestorableUntil()),
	}, nil
}

// RotateOptions is what a rotation may say.
type RotateOptions struct {
	// NewName is the name that takes over; the same when empty.
	NewName string
	// GracePeriod is for how long the previous version stays readable by its number; 0 leaves it to the broker.
	GracePeriod time.Duration
	// Options are handed to the manager untouched.
	Options map[string]any
}

// Rotation is what became of a rotation.
type Rotation struct {
	// Version is the version that took over.
	Version Version
	// PreviousRestorableUntil is zero when what was there before cannot be brought back.
	PreviousRestorableUntil time.Time
}

// Rotate replaces a payload, under the same name or a new one; whatever fails leaves the old secret as it was. options
// may be nil.
func (c *Client) Rotate(ctx context.Context, name string, payload Payload, options *RotateOptions) (*Rotation, error) {
	request := &pb.RotateSecretRequest{Name: name}
	if err := payload.check(); err != nil {
		return nil, err
	}
	if payload.isBinary {
		request.Payload = &pb.RotateSecretRequest_Binary{Binary: payload.binary}
	} else {
		request.Payload = &pb.RotateSecretRequest_Text{Text: payload.text}
	}
	if options != nil {
		managerOptions, err := fromOptions(options.Options)
		if err != nil {
			return nil, err
		}
		request.Options = managerOptions
		request.NewName = options.NewName
		if options.GracePeriod != 0 {
			request.GracePeriod = durationpb.New(options.GracePeriod)
		}
	}
	response, err := unary(ctx, c, c.broker.RotateSecret, request, false)
	if err != nil {
		return nil, err
	}
	return &Rotation{*toVersion(response.GetVersion()), toTime(response.GetPreviousRestorableUntil())}, nil
}
