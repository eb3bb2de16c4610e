package secretbroker

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const defaultTimeout = 10 * time.Second

// Option is one setting of Open.
type Option func(*settings) error

type settings struct {
	timeout time.Duration
	tls     *tls.Config
	token   func(context.Context) (string, error)
	dial    []grpc.DialOption
	retries RetryOptions
}

// WithTimeout sets how long a call may take whose context has no deadline; 10 seconds unless given.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) error {
		if timeout <= 0 {
			return invalidField("timeout", "must be above 0")
		}
		s.timeout = timeout
		return nil
	}
}

// WithTLS encrypts the connection; an empty configuration trusts the system's authorities.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) error {
		if config == nil {
			return invalidField("tls", "must not be nil")
		}
		s.tls = config.Clone()
		return nil
	}
}

// TLSFiles are PEM files for WithTLSFiles.
type TLSFiles struct {
	// CA is the authority that vouches for the broker; the system's when empty.
	CA string
	// Certificate and Key prove the caller to the broker (mTLS). Both or none. They are read for each connection, so
	// that renewed ones are used without a restart.
	Certificate, Key string
	// ServerName is what the broker's certificate must be for; the address's host when empty.
	ServerName string
}

// WithTLSFiles encrypts the connection with what PEM files hold.
func WithTLSFiles(files TLSFiles) Option {
	return func(s *settings) error {
		config := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: files.ServerName}
		if files.CA != "" {
			roots, err := readAuthorities(files.CA)
			if err != nil {
				return err
			}
			config.RootCAs = roots
		}
		if (files.Certificate == "") != (files.Key == "") {
			return invalidField("tls", "needs the certificate and its key, or neither")
		}
		if files.Certificate != "" {
			if _, err := loadPair(files); err != nil {
				return err
			}
			config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
				return loadPair(files)
			}
		}
		s.tls = config
		return nil
	}
}

func readAuthorities(path string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, invalidField("tls.ca", "must be a file that can be read: "+err.Error())
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, invalidField("tls.ca", "must hold a PEM certificate")
	}
	return roots, nil
}

func loadPair(files TLSFiles) (*tls.Certificate, error) {
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		return nil, invalidField("tls.certificate", "must be a PEM certificate with its key: "+err.Error())
	}
	return &pair, nil
}

// WithToken sends a bearer token with each call.
func WithToken(token string) Option {
	return WithTokenSource(func(context.Context) (string, error) { return token, nil })
}

// WithTokenFile sends the bearer token a file holds, read for each call, so that a renewed one is used without a restart. A
// file that cannot be read, or is empty, is what a failing source is.
func WithTokenFile(path string) Option {
	return WithTokenSource(func(context.Context) (string, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return "", err
		}
		token := strings.TrimSpace(string(text))
		if token == "" {
			// Whoever replaces a file may leave it so for a moment.
			return "", errors.New("the file is empty")
		}
		return token, nil
	})
}

// WithTokenSource asks for the bearer token of each call. While it fails, calls do with IdentityUnavailable, and stores answer
// as they do while the broker is out of reach.
func WithTokenSource(source func(context.Context) (string, error)) Option {
	return func(s *settings) error {
		s.token = source
		return nil
	}
}

// WithDialOptions hands options to gRPC, such as a handler for traces.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) error {
		s.dial = append(s.dial, options...)
		return nil
	}
}

// bearer sends a token. Open has seen to it that a connection without TLS does not leave this machine.
type bearer func(context.Context) (string, error)

func (b bearer) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	token, err := b(ctx)
	if err != nil {
		return nil, noToken(err)
	}
	if !isVisible(token) {
		return nil, status.Error(codes.Unauthenticated, "the token must be visible ASCII characters")
	}
	return map[string]string{"authorization": "Bearer " + token}, nil
}

func (bearer) RequireTransportSecurity() bool { return false }

// noToken says that nobody can tell now who calls, which is no refusal of the broker's.
func noToken(err error) error {
	failure := status.New(codes.Unavailable, "the token could not be had: "+err.Error())
	info := &errdetails.ErrorInfo{Reason: string(IdentityUnavailable), Domain: errorDomain}
	if detailed, err := failure.WithDetails(info); err == nil {
		failure = detailed
	}
	return failure.Err()
}

// guard shows that a call is meant for a broker, which an address may require.
type guard struct{}

func (guard) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"x-secret-broker-request": "true"}, nil
}

func (guard) RequireTransportSecurity() bool { return false }

func isVisible(text string) bool {
	return text != "" && strings.IndexFunc(text, func(r rune) bool { return r < 0x21 || r > 0x7e }) < 0
}
