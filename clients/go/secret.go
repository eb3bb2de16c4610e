package secretbroker

import (
	"time"

	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

// Secret is one version of a secret with its payload. Times that are not known are zero.
type Secret struct {
	Name string
	// UID is the generation: one life of the name. Empty when the manager keeps none.
	UID string
	// Version counts from 1 within the generation; 0 when the manager keeps none.
	Version     uint32
	Payload     Payload
	CreateTime  time.Time
	ExpireTime  time.Time
	Description string
	Tags        map[string]string
}

// Description is what is known of a secret without its payload. Times that are not known are zero.
type Description struct {
	Name            string
	UID             string
	ActiveVersion   uint32
	CreateTime      time.Time
	UpdateTime      time.Time
	ExpireTime      time.Time
	Description     string
	Tags            map[string]string
	DeleteTime      time.Time
	RestorableUntil time.Time
}

// Version is what is known of one version without its payload. Times that are not known are zero.
type Version struct {
	Name        string
	UID         string
	Version     uint32
	Active      bool
	CreateTime  time.Time
	ExpireTime  time.Time
	DestroyTime time.Time
}

func toSecret(wire *pb.Secret) (Secret, error) {
	var payload Payload
	switch kind := wire.GetPayload().(type) {
	case *pb.Secret_Text:
		payload = Payload{text: kind.Text}
	case *pb.Secret_Binary:
		payload = Payload{binary: kind.Binary, isBinary: true}
	default:
		return Secret{}, invalidReply("a secret without a payload")
	}
	return Secret{
		Name:        wire.GetName(),
		UID:         wire.GetUid(),
		Version:     wire.GetVersion(),
		Payload:     payload,
		CreateTime:  toTime(wire.GetCreateTime()),
		ExpireTime:  toTime(wire.GetExpireTime()),
		Description: wire.GetDescription(),
		Tags:        wire.GetTags(),
	}, nil
}

func toDescription(wire *pb.SecretMetadata) Description {
	return Description{
		Name:            wire.GetName(),
		UID:             wire.GetUid(),
		ActiveVersion:   wire.GetActiveVersion(),
		CreateTime:      toTime(wire.GetCreateTime()),
		UpdateTime:      toTime(wire.GetUpdateTime()),
		ExpireTime:      toTime(wire.GetExpireTime()),
		Description:     wire.GetDescription(),
		Tags:            wire.GetTags(),
		DeleteTime:      toTime(wire.GetDeleteTime()),
		RestorableUntil: toTime(wire.GetRestorableUntil()),
	}
}

func toVersion(wire *pb.SecretVersion) *Version {
	return &Version{
		Name:        wire.GetName(),
		UID:         wire.GetUid(),
		Version:     wire.GetVersion(),
		Active:      wire.GetActive(),
		CreateTime:  toTime(wire.GetCreateTime()),
		ExpireTime:  toTime(wire.GetExpireTime()),
		DestroyTime: toTime(wire.GetDestroyTime()),
	}
}

func toTime(wire *timestamppb.Timestamp) time.Time {
	if wire == nil {
		return time.Time{}
	}
	return wire.AsTime()
}

func fromTime(point time.Time) *timestamppb.Timestamp {
	if point.IsZero() {
		return nil
	}
	return timestamppb.New(point)
}

func fromOptions(options map[string]any) (*structpb.Struct, error) {
	if options == nil {
		return nil, nil
	}
	wire, err := structpb.NewStruct(options)
	if err != nil {
		return nil, invalidField("options", "must hold what JSON can hold")
	}
	return wire, nil
}
