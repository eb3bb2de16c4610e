package secretbroker

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

// ReadOptions is what a read may ask for besides the active version.
type ReadOptions struct {
	// Version is the version to read; the active one when 0.
	Version uint32
	// Field is one member of a payload that is a JSON object.
	Field string
	// KnownVersion is the version the caller has: where it is still the active one the answer is NotModified.
	KnownVersion uint32
	// MaxStaleness is the oldest answer that will do; 0 asks the manager now, nil leaves it to the broker.
	MaxStaleness *time.Duration
	// Options are handed to the manager untouched.
	Options map[string]any
}

// ServedFrom says where an answer came from.
type ServedFrom string

// Where an answer came from.
const (
	ServedFromManager ServedFrom = "manager"
	ServedFromCache   ServedFrom = "cache"
	ServedFromStale   ServedFrom = "stale"
)

// Answer is a secret that was read.
type Answer struct {
	// Secret has no payload where NotModified is true.
	Secret
	NotModified bool
	ServedFrom  ServedFrom
	// Age is how long ago the manager gave this answer; 0 when it was asked for this call.
	Age time.Duration
}

// Read reads one version of a secret. options may be nil.
func (c *Client) Read(ctx context.Context, name string, options *ReadOptions) (*Answer, error) {
	request, err := readRequest(name, options)
	if err != nil {
		return nil, err
	}
	response, err := unary(ctx, c, c.broker.ReadSecret, request, true)
	if err != nil {
		return nil, err
	}
	return toAnswer(response, name)
}

// Ask is one read of a batch.
type Ask struct {
	Name string
	// Options may be nil.
	Options *ReadOptions
}

// Result is what became of one read of a batch: an answer or an error.
type Result struct {
	Name   string
	Answer *Answer
	// Err is an *Error.
	Err error
}

// BatchOptions is what a batch may ask for.
type BatchOptions struct {
	// Atomic asks for answers from one point in time.
	Atomic bool
}

// Batch reads up to 1,000 secrets in one call. There is one result for each ask, in their order; one bad name neither
// fails nor hides another. options may be nil.
func (c *Client) Batch(ctx context.Context, asks []Ask, options *BatchOptions) ([]Result, error) {
	request := &pb.BatchReadSecretsRequest{Atomic: options != nil && options.Atomic}
	for index, ask := range asks {
		read, err := readRequest(ask.Name, ask.Options)
		if err != nil {
			return nil, invalidField(fmt.Sprintf("reads[%d]", index), err.Error())
		}
		request.Reads = append(request.Reads, read)
	}
	response, err := unary(ctx, c, c.broker.BatchReadSecrets, request, true)
	if err != nil {
		return nil, err
	}
	if len(response.GetResults()) != len(asks) {
		return nil, invalidReply("another number of results than there were reads")
	}
	results := make([]Result, len(asks))
	for index, result := range response.GetResults() {
		results[index] = toResult(result, asks[index].Name)
	}
	return results, nil
}

func toResult(wire *pb.BatchReadSecretsResult, name string) Result {
	switch result := wire.GetResult().(type) {
	case *pb.BatchReadSecretsResult_Read:
		answer, err := toAnswer(result.Read, name)
		return Result{Name: name, Answer: answer, Err: err}
	case *pb.BatchReadSecretsResult_Error:
		return Result{Name: name, Err: fromStatus(result.Error)}
	default:
		return Result{Name: name, Err: invalidReply("an empty result")}
	}
}

func readRequest(name string, options *ReadOptions) (*pb.ReadSecretRequest, error) {
	request := &pb.ReadSecretRequest{Name: name}
	if options == nil {
		return request, nil
	}
	managerOptions, err := fromOptions(options.Options)
	if err != nil {
		return nil, err
	}
	request.Options = managerOptions
	request.Field = options.Field
	if options.Version != 0 {
		request.Version = &options.Version
	}
	if options.KnownVersion != 0 {
		request.KnownVersion = &options.KnownVersion
	}
	if options.MaxStaleness != nil {
		request.MaxStaleness = durationpb.New(*options.MaxStaleness)
	}
	return request, nil
}

func toAnswer(response *pb.ReadSecretResponse, name string) (*Answer, error) {
	wire := response.GetSecret()
	if wire == nil {
		return nil, invalidReply("no secret")
	}
	if wire.GetName() != name {
		return nil, invalidReply("another secret than the one asked for")
	}
	answer := &Answer{
		NotModified: response.GetNotModified(),
		ServedFrom:  toServedFrom(response.GetServedFrom()),
		Age:         response.GetAge().AsDuration(),
	}
	if answer.NotModified {
		answer.Secret = Secret{Name: name, UID: wire.GetUid(), Version: wire.GetVersion()}
		return answer, nil
	}
	secret, err := toSecret(wire)
	if err != nil {
		return nil, err
	}
	answer.Secret = secret
	return answer, nil
}

func toServedFrom(wire pb.ServedFrom) ServedFrom {
	switch wire {
	case pb.ServedFrom_SERVED_FROM_CACHE:
		return ServedFromCache
	case pb.ServedFrom_SERVED_FROM_STALE:
		return ServedFromStale
	default:
		return ServedFromManager
	}
}
