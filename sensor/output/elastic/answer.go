package elastic

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// answer is what the bulk API answers.
type answer struct {
	Errors bool                    `json:"errors"`
	Items  []map[string]itemAnswer `json:"items"`
}

// itemAnswer is what became of one document.
type itemAnswer struct {
	Status int             `json:"status"`
	Error  json.RawMessage `json:"error"`
}

// fate is what to do with a document.
type fate uint8

const (
	delivered fate = iota
	again          // later
	refused        // for good
)

// fateOf judges a document's status: one that is there already (409) is
// delivered; too many requests (429) and errors of the server pass; other errors
// are of the document and stay.
func fateOf(status int) fate {
	switch {
	case status >= 200 && status < 300 || status == http.StatusConflict:
		return delivered
	case status == http.StatusTooManyRequests || status >= 500 || status == 0:
		return again
	// The data stream's template or the key's rights can be mended.
	case status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound:
		return again
	}
	return refused
}

// parseAnswer reads an answer for n documents, in their order.
func parseAnswer(data []byte, n int) ([]itemAnswer, error) {
	var read answer
	if err := json.Unmarshal(data, &read); err != nil {
		return nil, fmt.Errorf("reading the answer to a bulk request: %w", err)
	}
	if len(read.Items) != n {
		return nil, fmt.Errorf("reading the answer to a bulk request: it is about %d documents, not %d; is this Elasticsearch?", len(read.Items), n)
	}
	all := make([]itemAnswer, n)
	for i, one := range read.Items {
		for _, all[i] = range one { // its one member is the action
		}
	}
	return all, nil
}
