package elastic

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/go-hclog"

	"tripline/internal/version"
	"tripline/sensor/output"
	"tripline/sensor/output/secure"
)

// Options say where the cluster is.
type Options struct {
	// URLs are those of its nodes, at least one.
	URLs []string
	// APIKey is the key, as base64 or "id:key"; KeyFile holds it instead, and is
	// read for each request, so that the key can be changed.
	APIKey, KeyFile string
	// TLS names the files for https.
	TLS secure.Files
	// Compress sends requests compressed.
	Compress bool
	// Timeout bounds a request; 0 for a minute.
	Timeout time.Duration
	// Refused gets what the cluster refuses for good, one JSON document a line.
	Refused output.Writer
	// Log is told what is refused.
	Log hclog.Logger
}

// maxAnswer bounds how much of an answer is read.
const maxAnswer = 64 << 20

// Sender sends to a cluster.
type Sender struct {
	options Options
	client  *http.Client
	node    int // the one to ask next
}

var _ output.Sender = (*Sender)(nil)

// New makes the sender; it connects with the first batch.
func New(options Options) (*Sender, error) {
	config, err := options.TLS.Config()
	if err != nil {
		return nil, err
	}
	if options.Timeout == 0 {
		options.Timeout = time.Minute
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, TLSClientConfig: config,
		TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 1, IdleConnTimeout: 5 * time.Minute,
	}
	return &Sender{options: options, client: &http.Client{
		Transport: transport, Timeout: options.Timeout,
		// A redirected POST would lose its body or carry the key elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Name implements output.Sender.
func (s *Sender) Name() string { return "elasticsearch " + s.options.URLs[0] }

// Close implements output.Sender.
func (s *Sender) Close() error {
	s.client.CloseIdleConnections()
	if s.options.Refused == nil {
		return nil
	}
	return s.options.Refused.Close()
}

// statusError is a request that was refused as a whole.
type statusError struct {
	node   string
	status int
	body   string
}

// Error says what to do, where that is known.
func (e *statusError) Error() string {
	text := fmt.Sprintf("%s answers %d %s", e.node, e.status, http.StatusText(e.status))
	switch e.status {
	case http.StatusUnauthorized:
		text += "; is the api_key right and not expired?"
	case http.StatusForbidden:
		text += "; the api_key needs the privilege create_doc on logs-tripline.*"
	}
	if e.body != "" {
		text += ": " + e.body
	}
	return text
}

// Send implements output.Sender.
func (s *Sender) Send(ctx context.Context, items []*output.Item) error {
	answers, err := s.request(ctx, items)
	var whole *statusError
	if errors.As(err, &whole) && (whole.status == http.StatusRequestEntityTooLarge || whole.status == http.StatusBadRequest) {
		return s.split(ctx, items, whole)
	}
	if err != nil {
		s.node++
		return err
	}
	var failure error
	for i, one := range items {
		switch fateOf(answers[i].Status) {
		case delivered:
			one.Done = true
		case again:
			failure = fmt.Errorf("%s answers %d for a document: %.300s", s.url(), answers[i].Status, answers[i].Error)
		case refused:
			if err := s.refuse(ctx, one, answers[i].Status, string(answers[i].Error)); err != nil {
				return err
			}
		}
	}
	return failure
}

// split sends two halves where the whole was too large or cannot be read, down to
// the one document that is to blame.
func (s *Sender) split(ctx context.Context, items []*output.Item, whole *statusError) error {
	if len(items) == 1 {
		return s.refuse(ctx, items[0], whole.status, whole.body)
	}
	half := len(items) / 2
	if err := s.Send(ctx, items[:half]); err != nil {
		return err
	}
	return s.Send(ctx, items[half:])
}

// refuse puts a document aside that the cluster will never take.
func (s *Sender) refuse(ctx context.Context, item *output.Item, status int, reason string) error {
	s.options.Log.Error("a document is refused for good and put aside", "output", s.Name(), "id", documentID(&item.Document),
		"status", status, "reason", clip(reason), "file", s.options.Refused.Name())
	line, err := json.Marshal(struct {
		Time     time.Time       `json:"@timestamp"`
		Stream   string          `json:"stream"`
		ID       string          `json:"id"`
		Status   int             `json:"status"`
		Reason   string          `json:"reason"`
		Document json.RawMessage `json:"document"`
	}{time.Now().UTC(), stream(item.Kind), documentID(&item.Document), status, clip(reason), item.JSON})
	if err != nil { // the document is no JSON
		line, err = json.Marshal(map[string]any{"status": status, "reason": clip(reason), "text": string(item.JSON)})
	}
	if err != nil {
		return fmt.Errorf("putting a document aside: %w", err)
	}
	if err := s.options.Refused.Write(ctx, output.Document{JSON: line}); err != nil {
		return fmt.Errorf("putting a document aside: %w", err)
	}
	item.Done, item.Rejected = true, true
	return nil
}

// clip bounds what is repeated of an answer.
func clip(text string) string {
	const longest = 1000
	if len(text) > longest {
		return strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

func (s *Sender) url() string { return s.options.URLs[s.node%len(s.options.URLs)] }

// request sends one bulk request and reads what became of each document.
func (s *Sender) request(ctx context.Context, items []*output.Item) ([]itemAnswer, error) {
	content, err := body(items, s.options.Compress)
	if err != nil {
		return nil, err
	}
	node := s.url()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(node, "/")+"/_bulk?filter_path=errors,items.*.status,items.*.error",
		bytes.NewReader(content.Bytes()))
	if err != nil {
		return nil, fmt.Errorf("making a bulk request: %w", err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("User-Agent", "tripline/"+version.Version)
	if s.options.Compress {
		request.Header.Set("Content-Encoding", "gzip")
	}
	if err := s.authorize(request); err != nil {
		return nil, err
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("sending a bulk request: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("reading the answer to a bulk request: %w", err)
	}
	if response.StatusCode < 200 || response.StatusCode > 299 {
		err := &statusError{node, response.StatusCode, clip(strings.TrimSpace(string(data)))}
		return nil, &output.WaitError{Err: err, After: retryAfter(response.Header.Get("Retry-After"))}
	}
	return parseAnswer(data, len(items))
}

// retryAfter reads the header of that name when it is in seconds.
func retryAfter(value string) time.Duration {
	seconds, err := strconv.Atoi(value)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, 3600)) * time.Second
}

// authorize adds the API key.
func (s *Sender) authorize(request *http.Request) error {
	key := s.options.APIKey
	if s.options.KeyFile != "" {
		data, err := os.ReadFile(s.options.KeyFile)
		if err != nil {
			return fmt.Errorf("reading the API key: %w", err)
		}
		key = strings.TrimSpace(string(data))
	}
	if key == "" {
		return nil
	}
	if strings.Contains(key, ":") {
		key = base64.StdEncoding.EncodeToString([]byte(key))
	}
	request.Header.Set("Authorization", "ApiKey "+key)
	return nil
}
