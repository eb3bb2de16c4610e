package secretbroker

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:50051":       "",
		"localhost:1":           "",
		"[::1]:50051":           "",
		"unix:/run/broker.sock": "",
		"unix:relative.sock":    "",
		"":                      "must be host:port",
		"127.0.0.1":             "must be host:port",
		":50051":                "must be host:port",
		"http://127.0.0.1:80":   "must be host:port",
		"127.0.0.1:0":           "must have a port",
		"127.0.0.1:65536":       "must have a port",
		"unix:":                 "must name a socket",
		"broker.example:50051":  "must be on this machine",
		"192.0.2.1:50051":       "must be on this machine",
	} {
		client, err := Open(address)
		if err == nil {
			_ = client.Close()
		}
		failure := (*Error)(nil)
		switch {
		case want == "" && err != nil, want != "" && !errors.As(err, &failure):
			t.Errorf("%q: got %v", address, err)
		case want != "" && (failure.Violations[0].Field != "address" || len(failure.Violations[0].Description) < len(want) ||
			failure.Violations[0].Description[:len(want)] != want):
			t.Errorf("%q: got %v", address, err)
		}
	}
}

func TestSettingsThatAreWrongAreRefused(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "missing.pem")
	for name, option := range map[string]Option{
		"timeout":    WithTimeout(0),
		"tls":        WithTLS(nil),
		"ca":         WithTLSFiles(TLSFiles{CA: missing}),
		"lonely key": WithTLSFiles(TLSFiles{Key: missing}),
		"pair":       WithTLSFiles(TLSFiles{Certificate: missing, Key: missing}),
	} {
		if _, err := Open("127.0.0.1:1", option); !errors.Is(err, FieldInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// callerBroker answers a read with who called.
type callerBroker struct {
	pb.UnimplementedSecretBrokerServer
}

func (callerBroker) ReadSecret(ctx context.Context, request *pb.ReadSecretRequest) (*pb.ReadSecretResponse, error) {
	text := ""
	if from, ok := peer.FromContext(ctx); ok {
		if secured, ok := from.AuthInfo.(credentials.TLSInfo); ok {
			text = secured.State.PeerCertificates[0].Subject.CommonName
		}
	}
	sent, _ := metadata.FromIncomingContext(ctx)
	for _, token := range sent.Get("authorization") {
		text += " " + token
	}
	secret := &pb.Secret{Name: request.GetName(), Payload: &pb.Secret_Text{Text: text}}
	return &pb.ReadSecretResponse{Secret: secret}, nil
}

// authority signs certificates for a test.
type authority struct {
	t      *testing.T
	folder string
	key    *ecdsa.PrivateKey
	parent *x509.Certificate
}

func newAuthority(t *testing.T) *authority {
	made := &authority{t: t, folder: t.TempDir()}
	made.key, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	made.parent = made.template("authority")
	made.parent.IsCA, made.parent.BasicConstraintsValid = true, true
	der, err := x509.CreateCertificate(rand.Reader, made.parent, made.parent, &made.key.PublicKey, made.key)
	if err != nil {
		t.Fatal(err)
	}
	made.write("ca.pem", "CERTIFICATE", der)
	return made
}

func (a *authority) template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		DNSNames:     []string{"broker.test"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
}

func (a *authority) write(file, kind string, der []byte) string {
	path := filepath.Join(a.folder, file)
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
	return path
}

// issue makes a certificate and its key, in the files of a role.
func (a *authority) issue(role, name string) TLSFiles {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	der, err := x509.CreateCertificate(rand.Reader, a.template(name), a.parent, &key.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return TLSFiles{
		CA:          filepath.Join(a.folder, "ca.pem"),
		Certificate: a.write(role+".pem", "CERTIFICATE", der),
		Key:         a.write(role+".key", "PRIVATE KEY", encoded),
	}
}

// serveTLS serves with a certificate of the authority and wants one of its callers.
func (a *authority) serveTLS() string {
	files := a.issue("server", "server")
	pair, err := tls.LoadX509KeyPair(files.Certificate, files.Key)
	if err != nil {
		a.t.Fatal(err)
	}
	callers, err := readAuthorities(files.CA)
	if err != nil {
		a.t.Fatal(err)
	}
	config := &tls.Config{
		Certificates: []tls.Certificate{pair},
		ClientCAs:    callers,
		ClientAuth:   tls.RequireAndVerifyClientCert,
		MinVersion:   tls.VersionTLS13,
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		a.t.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(credentials.NewTLS(config)))
	pb.RegisterSecretBrokerServer(server, callerBroker{})
	go func() { _ = server.Serve(listener) }()
	a.t.Cleanup(server.Stop)
	return listener.Addr().String()
}

func readCaller(t *testing.T, address string, options ...Option) (string, error) {
	t.Helper()
	client, err := Open(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	answer, err := client.Read(t.Context(), "caller", nil)
	if err != nil {
		return "", err
	}
	return answer.Payload.Text(), nil
}

func TestTLSProvesBothSides(t *testing.T) {
	own, other := newAuthority(t), newAuthority(t)
	address := own.serveTLS()
	files := own.issue("client", "first")
	caller, err := readCaller(t, address, WithTLSFiles(files), WithToken("sbt_placeholder"))
	if err != nil || caller != "first Bearer sbt_placeholder" {
		t.Fatalf("got %q, %v", caller, err)
	}
	named := files
	named.ServerName = "broker.test"
	if caller, err := readCaller(t, address, WithTLSFiles(named)); err != nil || caller != "first" {
		t.Fatalf("got %q, %v", caller, err)
	}
	named.ServerName = "another.test"
	strange := other.issue("client", "stranger")
	strange.CA = files.CA
	for name, refused := range map[string]TLSFiles{
		"another name":                named,
		"a broker of another":         {CA: filepath.Join(other.folder, "ca.pem")},
		"a caller of another":         strange,
		"no certificate":              {CA: files.CA},
		"the system's authorities":    {},
		"another's certificate, both": other.issue("both", "both"),
	} {
		if _, err := readCaller(t, address, WithTLSFiles(refused)); !errors.Is(err, ManagerUnavailable) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestARenewedCertificateIsUsedWithoutARestart(t *testing.T) {
	own := newAuthority(t)
	files := own.issue("client", "first")
	option := WithTLSFiles(files)
	address := own.serveTLS()
	own.issue("client", "second")
	if caller, err := readCaller(t, address, option); err != nil || caller != "second" {
		t.Fatalf("got %q, %v", caller, err)
	}
}

func TestATokenThatCannotBeSentIsRefusedHere(t *testing.T) {
	_, err := readCaller(t, newScene(t).address, WithToken("two words"))
	if !errors.Is(err, CredentialInvalid) {
		t.Fatalf("got %v", err)
	}
}
