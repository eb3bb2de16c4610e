package secretbroker

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

// maxReceiveBytes leaves room for a batch of large payloads; the broker bounds what it sends.
const maxReceiveBytes = 256 << 20

// Client calls one broker. It must be closed.
type Client struct {
	connection *grpc.ClientConn
	broker     pb.SecretBrokerClient
	timeout    time.Duration
	retries    *retries
	closing    sync.Once
	closed     chan struct{}
}

// Open makes a client for the broker at host:port, [ipv6]:port or unix:PATH. It connects with the first call.
//
// Without TLS only addresses of this machine are accepted, as anything further away would show secrets to the network.
func Open(address string, options ...Option) (*Client, error) {
	where, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	chosen := settings{timeout: defaultTimeout}
	for _, option := range options {
		if err := option(&chosen); err != nil {
			return nil, err
		}
	}
	if chosen.tls == nil && !where.isLocal {
		return nil, invalidField("address", "must be on this machine (a loopback address or unix:PATH) or be used with TLS")
	}
	connection, err := grpc.NewClient(where.name, dialOptions(chosen)...)
	if err != nil {
		return nil, invalidField("address", "cannot be dialled: "+err.Error())
	}
	return &Client{
		connection: connection,
		broker:     pb.NewSecretBrokerClient(connection),
		timeout:    chosen.timeout,
		retries:    newRetries(chosen.retries),
		closed:     make(chan struct{}),
	}, nil
}

func dialOptions(chosen settings) []grpc.DialOption {
	transport := insecure.NewCredentials()
	if chosen.tls != nil {
		transport = credentials.NewTLS(chosen.tls)
	}
	// A broker that restarts is back within moments.
	backoffs := backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 5 * time.Second}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(transport),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: backoffs, MinConnectTimeout: 5 * time.Second}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxReceiveBytes)),
		grpc.WithDisableServiceConfig(),
		// A proxy named in the environment must not see secrets.
		grpc.WithNoProxy(),
		grpc.WithPerRPCCredentials(guard{}),
	}
	if chosen.token != nil {
		options = append(options, grpc.WithPerRPCCredentials(bearer(chosen.token)))
	}
	return append(options, chosen.dial...)
}

// Close ends the connection and whatever is running on it. Later calls fail.
func (c *Client) Close() error {
	c.closing.Do(func() { close(c.closed) })
	return c.connection.Close()
}

// Conn is the connection, for the generated stubs.
func (c *Client) Conn() grpc.ClientConnInterface { return c.connection }

// WithRequestID names the calls made with the context in the broker's log and audit trail: 1 to 128 visible ASCII
// characters.
func WithRequestID(ctx context.Context, id string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "x-request-id", id)
}

// bounded gives a context without a deadline the client's.
func (c *Client) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, c.timeout)
}

// repeatable tells whether making a call twice does no more than making it once.
type repeatable bool

// unary makes one call within its deadline, more than once where it may be repeated and that may help.
func unary[Request, Response any](
	ctx context.Context,
	c *Client,
	method func(context.Context, Request, ...grpc.CallOption) (Response, error),
	request Request,
	again repeatable,
) (Response, error) {
	ctx, cancel := c.bounded(ctx)
	defer cancel()
	for attempt := 1; ; attempt++ {
		response, err := method(ctx, request)
		if err == nil {
			c.retries.noteAnswer()
			return response, nil
		}
		failed := fromCall(err)
		if again {
			failed = c.pauseAfter(ctx, failed, attempt)
		}
		if failed != nil {
			return response, failed
		}
	}
}
