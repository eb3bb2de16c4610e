package secretbroker

import (
	"context"
	"iter"
	"time"

	pb "secretbroker.dev/go/gen/secretbroker/v1"
)

// ListOptions is which secrets a list holds.
type ListOptions struct {
	// Prefix is what names begin with.
	Prefix string
	// Tags are labels that secrets carry, all of them.
	Tags map[string]string
	// ShowDeleted adds deleted secrets that can still be restored.
	ShowDeleted bool
	// PageSize is the most secrets to fetch at once, 1 to 1,000; 100 when 0.
	PageSize uint32
	// PageToken is the NextPageToken of the page before; the first page when empty.
	PageToken string
	// Options are handed to the manager untouched.
	Options map[string]any
}

// Page is a part of a list.
type Page struct {
	// Secrets are in the order of their names.
	Secrets []Description
	// NextPageToken is what to ask the next page with; empty on the last page.
	NextPageToken string
}

// ListPage lists a page of the secrets the caller may list, without payloads. options may be nil.
func (c *Client) ListPage(ctx context.Context, options *ListOptions) (*Page, error) {
	if options == nil {
		options = &ListOptions{}
	}
	managerOptions, err := fromOptions(options.Options)
	if err != nil {
		return nil, err
	}
	response, err := unary(ctx, c, c.broker.ListSecrets, &pb.ListSecretsRequest{
		Prefix:      options.Prefix,
		Tags:        options.Tags,
		ShowDeleted: options.ShowDeleted,
		PageSize:    options.PageSize,
		PageToken:   options.PageToken,
		Options:     managerOptions,
	}, true)
	if err != nil {
		return nil, err
	}
	page := &Page{NextPageToken: response.GetNextPageToken()}
	for _, secret := range response.GetSecrets() {
		page.Secrets = append(page.Secrets, toDescription(secret))
	}
	return page, nil
}

// List goes through the secrets the caller may list, without payloads, in the order of their names, fetching pages as
// they are needed. An error ends it. options may be nil.
func (c *Client) List(ctx context.Context, options *ListOptions) iter.Seq2[Description, error] {
	return func(yield func(Description, error) bool) {
		var query ListOptions
		if options != nil {
			query = *options
		}
		for {
			page, err := c.ListPage(ctx, &query)
			if err != nil {
				yield(Description{}, err)
				return
			}
			for _, secret := range page.Secrets {
				if !yield(secret, nil) {
					return
				}
			}
			if page.NextPageToken == "" {
				return
			}
			if page.NextPageToken == query.PageToken {
				yield(Description{}, invalidReply("the same page again"))
				return
			}
			query.PageToken = page.NextPageToken
		}
	}
}

// History is what is known of a secret and its versions.
type History struct {
	Secret Description
	// Versions are oldest first; empty when the manager keeps none.
	Versions []Version
	// ChangedBy is the principal that last changed the secret. Empty when the manager does not know.
	ChangedBy string
	// ChangeTime is zero when the manager does not know.
	ChangeTime time.Time
}

// Describe tells what is known of a secret, without its payload. options are handed to the manager; they may be nil.
func (c *Client) Describe(ctx context.Context, name string, options map[string]any) (*History, error) {
	managerOptions, err := fromOptions(options)
	if err != nil {
		return nil, err
	}
	request := &pb.DescribeSecretRequest{Name: name, Options: managerOptions}
	response, err := unary(ctx, c, c.broker.DescribeSecret, request, true)
	if err != nil {
		return nil, err
	}
	history := &History{
		Secret:     toDescription(response.GetSecret()),
		ChangedBy:  response.GetChangedBy(),
		ChangeTime: toTime(response.GetChangeTime()),
	}
	for _, version := range response.GetVersions() {
		history.Versions = append(history.Versions, *toVersion(version))
	}
	return history, nil
}
