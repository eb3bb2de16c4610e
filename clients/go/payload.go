package secretbroker

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"
)

const redacted = "[redacted]"

// Payload is the bytes of a secret: text or binary, exactly as they were written. However it is printed, logged or
// marshalled, it shows nothing; Text and Bytes release it.
type Payload struct {
	text     string
	binary   []byte
	isBinary bool
}

// Text is a payload that is text; it must be valid UTF-8.
func Text(text string) Payload { return Payload{text: text} }

// Binary is a payload that is bytes; they are copied.
func Binary(data []byte) Payload { return Payload{binary: bytes.Clone(data), isBinary: true} }

// IsBinary tells whether the payload was written as bytes.
func (p Payload) IsBinary() bool { return p.isBinary }

// Text is the payload as text; of a binary payload its bytes, whatever they are.
func (p Payload) Text() string {
	if p.isBinary {
		return string(p.binary)
	}
	return p.text
}

// Bytes is a copy of the payload's bytes.
func (p Payload) Bytes() []byte {
	if p.isBinary {
		return append([]byte{}, p.binary...)
	}
	return []byte(p.text)
}

// Equal tells whether both hold the same bytes in the same kind.
func (p Payload) Equal(other Payload) bool {
	return p.isBinary == other.isBinary && p.text == other.text && bytes.Equal(p.binary, other.binary)
}

// check refuses text that would not arrive as it is.
func (p Payload) check() error {
	if !p.isBinary && !utf8.ValidString(p.text) {
		return invalidField("text", "must be valid UTF-8; use Binary for anything else")
	}
	return nil
}

// String shows nothing of the payload.
func (p Payload) String() string { return redacted }

// Format shows nothing of the payload, whatever the verb.
func (p Payload) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, redacted) }

// MarshalText shows nothing of the payload.
func (p Payload) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue shows nothing of the payload.
func (p Payload) LogValue() slog.Value { return slog.StringValue(redacted) }
