package hunt_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/BurntSushi/toml"

	"tripline/detect"
	"tripline/hunt"
)

// suiteFolder holds Elasticsearch's own queries with their expected results.
// It is not part of the repository.
const suiteFolder = "../../shared/eql-suite"

// TestElasticsearchSuite hunts for every query of the suite.
func TestElasticsearchSuite(t *testing.T) {
	if _, err := os.Stat(suiteFolder); errors.Is(err, os.ErrNotExist) {
		t.Skipf("Elasticsearch's query suite is not at %s", suiteFolder)
	}
	right, refused := 0, []string(nil)
	for _, file := range []string{"test_queries.toml", "additional_test_queries.toml"} {
		var suite struct {
			Queries []struct {
				Name     string  `toml:"name"`
				Query    string  `toml:"query"`
				Expected []int64 `toml:"expected_event_ids"`
			} `toml:"queries"`
		}
		if _, err := toml.DecodeFile(filepath.Join(suiteFolder, file), &suite); err != nil {
			t.Fatal(err)
		}
		for _, query := range suite.Queries {
			got, err := suiteResults(t, query.Query)
			var unsupported *detect.UnsupportedError
			switch {
			case errors.As(err, &unsupported):
				refused = append(refused, query.Name+": "+unsupported.Feature)
			case err != nil:
				t.Errorf("%s: %v", query.Name, err)
			case !slices.Equal(got, query.Expected):
				t.Errorf("%s: %s\n got %d\nwant %d", query.Name, query.Query, got, query.Expected)
			default:
				right++
			}
		}
	}
	t.Logf("%d queries gave what is expected, %d are not supported: %q", right, len(refused), refused)
}

// suiteResults are the ids of the events of all matches.
func suiteResults(t *testing.T, query string) ([]int64, error) {
	t.Helper()
	queries, err := hunt.Compile([]*detect.Rule{hunt.NewRule("", query)},
		hunt.FieldNames{Category: "event_type", Tiebreaker: "serial_event_id"})
	if err != nil {
		return nil, err
	}
	var ids []int64
	_, err = hunt.Run(context.Background(), queries, []string{filepath.Join(suiteFolder, "endgame-140.jsonl")}, hunt.Options{
		Report: func(err error) { t.Error(err) },
		OnMatch: func(match *hunt.Match) error {
			for _, document := range match.Documents {
				var event struct {
					ID int64 `json:"serial_event_id"`
				}
				if document != nil {
					if err := json.Unmarshal(document, &event); err != nil {
						return err
					}
					ids = append(ids, event.ID)
				}
			}
			return nil
		},
	})
	return ids, err
}
