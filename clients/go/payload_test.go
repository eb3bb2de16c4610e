package secretbroker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestAPayloadShowsNothingHoweverItIsPrinted(t *testing.T) {
	const planted = "planted-value"
	for _, payload := range []Payload{Text(planted), Binary([]byte(planted))} {
		answer := &Answer{Secret: Secret{Name: "a", Payload: payload}}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "payload", payload, "answer", answer)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "payload", payload, "answer", answer)
		encoded, err := json.Marshal(answer)
		if err != nil {
			t.Fatal(err)
		}
		shown := []string{log.String(), string(encoded)}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			shown = append(shown, fmt.Sprintf(verb, payload), fmt.Sprintf(verb, answer), fmt.Sprintf(verb, &payload))
		}
		for _, text := range shown {
			for _, form := range []string{planted, fmt.Sprintf("%x", planted), fmt.Sprint([]byte(planted))} {
				if strings.Contains(text, form) {
					t.Errorf("shown: %s", text)
				}
			}
		}
	}
}

func TestBytesAreTheirOwn(t *testing.T) {
	given := []byte{1, 2}
	payload := Binary(given)
	given[0] = 9
	payload.Bytes()[1] = 9
	if !bytes.Equal(payload.Bytes(), []byte{1, 2}) || payload.Equal(Text("\x01\x02")) {
		t.Fatal("changed from outside")
	}
}

func TestTextThatWouldNotArriveIsRefused(t *testing.T) {
	client, err := Open("127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	if _, err := client.Write(t.Context(), "a", Text("\xff"), nil); !errors.Is(err, FieldInvalid) {
		t.Fatalf("got %v", err)
	}
}
