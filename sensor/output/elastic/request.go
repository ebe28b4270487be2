package elastic

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"tripline/sensor/output"
)

// stream is the data stream for a kind of document. It agrees with the
// document's own data_stream fields, which Elasticsearch insists on.
func stream(kind output.Kind) string {
	switch kind {
	case output.KindHealth:
		return "logs-tripline.health-default"
	case output.KindEvidence:
		return "logs-tripline.evidence-default"
	case output.KindEvent:
		return "logs-tripline.events-default"
	case output.KindAlert:
	}
	return "logs-tripline.alerts-default"
}

// documentID is the alert's id, or a digest of the document where it has none.
func documentID(d *output.Document) string {
	if d.ID != "" {
		return d.ID
	}
	digest := sha256.Sum256(d.JSON)
	return hex.EncodeToString(digest[:16])
}

// action is the line before a document.
type action struct {
	Create target `json:"create"`
}

type target struct {
	Index string `json:"_index"`
	ID    string `json:"_id"`
}

// body makes the body of a request.
func body(items []*output.Item, compress bool) (*bytes.Buffer, error) {
	var text bytes.Buffer
	for _, one := range items {
		line, err := json.Marshal(action{target{stream(one.Kind), documentID(&one.Document)}})
		if err != nil {
			return nil, fmt.Errorf("making a bulk request: %w", err)
		}
		text.Write(line)
		text.WriteByte('\n')
		text.Write(one.JSON)
		text.WriteByte('\n')
	}
	if !compress {
		return &text, nil
	}
	var packed bytes.Buffer
	compressor := gzip.NewWriter(&packed)
	if _, err := compressor.Write(text.Bytes()); err != nil {
		return nil, fmt.Errorf("compressing a bulk request: %w", err)
	}
	if err := compressor.Close(); err != nil {
		return nil, fmt.Errorf("compressing a bulk request: %w", err)
	}
	return &packed, nil
}
