package secretbroker_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	secretbroker "secretbroker.dev/go"
)

type step struct {
	Title      string            `json:"title"`
	As         string            `json:"as"`
	Op         string            `json:"op"`
	Args       map[string]any    `json:"args"`
	Expect     map[string]any    `json:"expect"`
	Error      map[string]any    `json:"error"`
	Save       map[string]string `json:"save"`
	Eventually bool              `json:"eventually"`
}

// runner runs the vectors through clients, one for each caller.
type runner struct {
	t       *testing.T
	clients map[string]*secretbroker.Client
	stores  map[string]*secretbroker.Store
	saved   map[string]any
}

// TestVectors makes every call of ../vectors and compares what is answered.
func TestVectors(t *testing.T) {
	brokerAddress(t)
	files, err := filepath.Glob(filepath.Join(vectorsFolder, "[0-9]*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors in %s: %v", vectorsFolder, err)
	}
	runs := &runner{t: t, clients: map[string]*secretbroker.Client{}, stores: map[string]*secretbroker.Store{}}
	for _, file := range files {
		var vectors struct{ Steps []step }
		readJSON(t, file, &vectors)
		runs.saved = map[string]any{}
		for index, each := range vectors.Steps {
			t.Run(fmt.Sprintf("%s/%d %s", filepath.Base(file), index, each.Title), func(t *testing.T) { runs.run(t, each) })
		}
	}
	for _, store := range runs.stores {
		store.Close()
	}
}

func (r *runner) run(t *testing.T, each step) {
	args := r.expand(each.Args).(map[string]any)
	giveUp := time.Now().Add(15 * time.Second)
	for {
		answer, err := r.call(t, each, args)
		problem := r.compare(each, args, answer, err)
		if problem == "" {
			for name, member := range each.Save {
				r.saved[name] = answer[member]
			}
			return
		}
		if !each.Eventually || time.Now().After(giveUp) {
			t.Fatal(problem)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (r *runner) compare(each step, args, answer map[string]any, err error) string {
	if each.Error == nil {
		if err != nil {
			return err.Error()
		}
		return difference("answer", r.expand(each.Expect), answer)
	}
	if err == nil {
		return fmt.Sprintf("must fail, but answered %v", answer)
	}
	if text, ok := args["text"].(string); ok && text != "" && strings.Contains(err.Error(), text) {
		return "the error holds the payload"
	}
	return difference("error", each.Error, shownError(r.t, err))
}

// expand replaces repeated and saved texts.
func (r *runner) expand(value any) any {
	switch value := value.(type) {
	case map[string]any:
		if text, ok := value["repeat"].(string); ok {
			return strings.Repeat(text, int(value["times"].(float64)))
		}
		if name, ok := value["saved"].(string); ok {
			return r.saved[name]
		}
		expanded := map[string]any{}
		for key, member := range value {
			expanded[key] = r.expand(member)
		}
		return expanded
	case []any:
		expanded := []any{}
		for _, item := range value {
			expanded = append(expanded, r.expand(item))
		}
		return expanded
	default:
		return value
	}
}

// difference says how an answer differs from what is expected; nothing when it does not.
func difference(place string, expected, actual any) string {
	switch expected := expected.(type) {
	case nil:
		if actual != nil && !reflect.ValueOf(actual).IsZero() {
			return fmt.Sprintf("%s is %v and must not be there", place, actual)
		}
		return ""
	case map[string]any:
		members, ok := actual.(map[string]any)
		if !ok || (strings.HasSuffix(place, ".tags") && len(members) != len(expected)) {
			return fmt.Sprintf("%s is %v and must be %v", place, actual, expected)
		}
		for key, member := range expected {
			if found := difference(place+"."+key, member, members[key]); found != "" {
				return found
			}
		}
		return ""
	case []any:
		items, ok := actual.([]any)
		if !ok || len(items) != len(expected) {
			return fmt.Sprintf("%s is %v and must be %v", place, actual, expected)
		}
		for index, item := range expected {
			if found := difference(fmt.Sprintf("%s[%d]", place, index), item, items[index]); found != "" {
				return found
			}
		}
		return ""
	}
	if text, ok := actual.(string); ok && expected == "*" && text != "" {
		return ""
	}
	if !reflect.DeepEqual(expected, actual) {
		return fmt.Sprintf("%s is %.80v and must be %.80v", place, actual, expected)
	}
	return ""
}

func shownError(t *testing.T, err error) map[string]any {
	own := failure(t, err)
	shown := map[string]any{
		"status": code.Code(own.Code).String(),
		"reason": string(own.Reason),
		"retry":  own.RetryDelay > 0,
	}
	fields := []any{}
	for _, violation := range own.Violations {
		fields = append(fields, violation.Field)
	}
	shown["fields"] = fields
	metadata := map[string]any{}
	for key, value := range own.Metadata {
		metadata[key] = value
	}
	shown["metadata"] = metadata
	return shown
}

func showPayload(payload secretbroker.Payload, into map[string]any) map[string]any {
	if payload.IsBinary() {
		into["base64"] = base64.StdEncoding.EncodeToString(payload.Bytes())
	} else {
		into["text"] = payload.Text()
	}
	return into
}

func showTags(tags map[string]string) any {
	shown := map[string]any{}
	for key, value := range tags {
		shown[key] = value
	}
	return shown
}

// decode reads arguments into a struct, and fails for those it does not know.
func decode(t *testing.T, args map[string]any, into any) {
	t.Helper()
	text, err := json.Marshal(args)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		t.Fatal(err)
	}
}
