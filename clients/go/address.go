package secretbroker

import (
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

// target is where a broker is, checked.
type target struct {
	// name is what gRPC dials.
	name string
	// isLocal tells whether nothing leaves this machine.
	isLocal bool
}

const unixScheme = "unix:"

// parseAddress reads host:port, [ipv6]:port or unix:PATH.
func parseAddress(address string) (target, error) {
	if path, ok := strings.CutPrefix(address, unixScheme); ok {
		return parseUnixAddress(path)
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" || strings.ContainsAny(host, "/ ") {
		return target{}, invalidField("address", "must be host:port, [ipv6]:port or unix:PATH")
	}
	if number, err := strconv.ParseUint(port, 10, 16); err != nil || number == 0 {
		return target{}, invalidField("address", "must have a port from 1 to 65535")
	}
	return target{name: "dns:///" + net.JoinHostPort(host, port), isLocal: isLoopback(host)}, nil
}

func parseUnixAddress(path string) (target, error) {
	if path == "" || strings.ContainsRune(path, 0) {
		return target{}, invalidField("address", "must name a socket after unix:")
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return target{}, invalidField("address", "must name a socket whose folder can be found")
	}
	return target{name: unixScheme + absolute, isLocal: true}, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
