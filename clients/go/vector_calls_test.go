package secretbroker_test

import (
	"context"
	"testing"
	"time"

	secretbroker "secretbroker.dev/go"
)

// vectorArgs is whatever an operation of the vectors may ask.
type vectorArgs struct {
	Name                 string            `json:"name"`
	NewName              string            `json:"new_name"`
	Text                 *string           `json:"text"`
	Base64               *[]byte           `json:"base64"`
	Version              uint32            `json:"version"`
	Field                string            `json:"field"`
	KnownVersion         uint32            `json:"known_version"`
	MaxStalenessMs       *int64            `json:"max_staleness_ms"`
	Reads                []vectorArgs      `json:"reads"`
	Atomic               bool              `json:"atomic"`
	Prefix               string            `json:"prefix"`
	Tags                 map[string]string `json:"tags"`
	ShowDeleted          bool              `json:"show_deleted"`
	PageSize             uint32            `json:"page_size"`
	PageToken            string            `json:"page_token"`
	Description          *string           `json:"description"`
	ExpectedVersion      *uint32           `json:"expected_version"`
	RequestID            string            `json:"request_id"`
	Activate             *bool             `json:"activate"`
	RecoveryWindowInDays *uint32           `json:"recovery_window_in_days"`
	MustExist            bool              `json:"must_exist"`
	GracePeriodMs        int64             `json:"grace_period_ms"`
}

func (a vectorArgs) payload() secretbroker.Payload {
	if a.Base64 != nil {
		return secretbroker.Binary(*a.Base64)
	}
	return secretbroker.Text(*a.Text)
}

func (a vectorArgs) readOptions() *secretbroker.ReadOptions {
	options := &secretbroker.ReadOptions{Version: a.Version, Field: a.Field, KnownVersion: a.KnownVersion}
	if a.MaxStalenessMs != nil {
		staleness := time.Duration(*a.MaxStalenessMs) * time.Millisecond
		options.MaxStaleness = &staleness
	}
	return options
}

// call makes one call of the vectors.
func (r *runner) call(t *testing.T, each step, raw map[string]any) (map[string]any, error) {
	var args vectorArgs
	decode(t, raw, &args)
	who := each.As
	if who == "" {
		who = "owner"
	}
	client, found := r.clients[who]
	if !found {
		client = openAs(r.t, who)
		r.clients[who] = client
	}
	ctx := t.Context()
	switch each.Op {
	case "read":
		answer, err := client.Read(ctx, args.Name, args.readOptions())
		return showAnswer(answer), err
	case "batch":
		return callBatch(t, client, args)
	case "list":
		return callList(ctx, client, args)
	case "describe":
		return callDescribe(ctx, client, args)
	case "write":
		version, err := client.Write(ctx, args.Name, args.payload(), &secretbroker.WriteOptions{
			Description:     args.Description,
			Tags:            args.Tags,
			ExpectedVersion: args.ExpectedVersion,
			IdempotencyID:   args.RequestID,
			KeepActive:      args.Activate != nil && !*args.Activate,
		})
		return showVersion(version), err
	case "delete":
		return callDelete(ctx, client, args)
	case "rotate":
		grace := time.Duration(args.GracePeriodMs) * time.Millisecond
		options := &secretbroker.RotateOptions{NewName: args.NewName, GracePeriod: grace}
		rotation, err := client.Rotate(ctx, args.Name, args.payload(), options)
		if err != nil {
			return nil, err
		}
		return showVersion(&rotation.Version), nil
	case "get":
		return r.callGet(ctx, who, args.Name)
	default:
		t.Fatalf("no operation %q", each.Op)
		return nil, nil
	}
}

func (r *runner) callGet(ctx context.Context, who, name string) (map[string]any, error) {
	key := who + " " + name
	store, found := r.stores[key]
	if !found {
		opened, err := r.clients[who].OpenStore(ctx, secretbroker.StoreOptions{Names: []string{name}})
		if err != nil {
			return nil, err
		}
		store = opened
		r.stores[key] = store
	}
	answer, err := store.Get(name)
	return showAnswer(answer), err
}

func callBatch(t *testing.T, client *secretbroker.Client, args vectorArgs) (map[string]any, error) {
	var asks []secretbroker.Ask
	for _, read := range args.Reads {
		asks = append(asks, secretbroker.Ask{Name: read.Name, Options: read.readOptions()})
	}
	results, err := client.Batch(t.Context(), asks, &secretbroker.BatchOptions{Atomic: args.Atomic})
	shown := []any{}
	for _, result := range results {
		if result.Err != nil {
			shown = append(shown, map[string]any{"error": shownError(t, result.Err)})
		} else {
			shown = append(shown, map[string]any{"read": showAnswer(result.Answer)})
		}
	}
	return map[string]any{"results": shown}, err
}

func callList(ctx context.Context, client *secretbroker.Client, args vectorArgs) (map[string]any, error) {
	page, err := client.ListPage(ctx, &secretbroker.ListOptions{
		Prefix:      args.Prefix,
		Tags:        args.Tags,
		ShowDeleted: args.ShowDeleted,
		PageSize:    args.PageSize,
		PageToken:   args.PageToken,
	})
	if err != nil {
		return nil, err
	}
	secrets := []any{}
	for _, secret := range page.Secrets {
		secrets = append(secrets, showDescription(secret))
	}
	return map[string]any{"secrets": secrets, "next_page_token": page.NextPageToken}, nil
}

func callDescribe(ctx context.Context, client *secretbroker.Client, args vectorArgs) (map[string]any, error) {
	history, err := client.Describe(ctx, args.Name, nil)
	if err != nil {
		return nil, err
	}
	versions := []any{}
	for _, version := range history.Versions {
		versions = append(versions, showVersion(&version))
	}
	return map[string]any{
		"secret":     showDescription(history.Secret),
		"versions":   versions,
		"changed_by": history.ChangedBy,
	}, nil
}

func callDelete(ctx context.Context, client *secretbroker.Client, args vectorArgs) (map[string]any, error) {
	deletion, err := client.Delete(ctx, args.Name, &secretbroker.DeleteOptions{
		RecoveryWindowInDays: args.RecoveryWindowInDays,
		ExpectedVersion:      args.ExpectedVersion,
		MustExist:            args.MustExist,
		IdempotencyID:        args.RequestID,
	})
	if err != nil {
		return nil, err
	}
	status := "not_found"
	if deletion.Deleted {
		status = "deleted"
	}
	return map[string]any{
		"status":     status,
		"uid":        deletion.UID,
		"restorable": !deletion.RestorableUntil.IsZero(),
	}, nil
}

func showAnswer(answer *secretbroker.Answer) map[string]any {
	if answer == nil {
		return nil
	}
	shown := map[string]any{
		"not_modified": answer.NotModified,
		"name":         answer.Name,
		"uid":          answer.UID,
		"version":      float64(answer.Version),
		"description":  answer.Description,
		"tags":         showTags(answer.Tags),
		"served_from":  string(answer.ServedFrom),
	}
	if answer.NotModified {
		return shown
	}
	return showPayload(answer.Payload, shown)
}

func showVersion(version *secretbroker.Version) map[string]any {
	if version == nil {
		return nil
	}
	return map[string]any{"version": float64(version.Version), "active": version.Active, "uid": version.UID}
}

func showDescription(secret secretbroker.Description) map[string]any {
	return map[string]any{
		"name":           secret.Name,
		"uid":            secret.UID,
		"active_version": float64(secret.ActiveVersion),
		"description":    secret.Description,
		"tags":           showTags(secret.Tags),
		"deleted":        !secret.DeleteTime.IsZero(),
	}
}
