package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
)

// writeCSV writes the samples as a table; its columns are the sample's names.
func writeCSV(record *Record) ([]byte, error) {
	var text bytes.Buffer
	to := csv.NewWriter(&text)
	for i := range record.Samples {
		names, values, err := row(&record.Samples[i])
		if err != nil {
			return nil, err
		}
		if i == 0 {
			if err := to.Write(names); err != nil {
				return nil, fmt.Errorf("writing the table: %w", err)
			}
		}
		if err := to.Write(values); err != nil {
			return nil, fmt.Errorf("writing the table: %w", err)
		}
	}
	to.Flush()
	return text.Bytes(), to.Error()
}

// row is a sample's names and values in their order.
func row(sample *Sample) (names, values []string, err error) {
	text, err := json.Marshal(sample)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a sample: %w", err)
	}
	for member := range strings.SplitSeq(strings.Trim(string(text), "{}"), ",") {
		name, value, _ := strings.Cut(member, ":")
		names, values = append(names, strings.Trim(name, `"`)), append(values, value)
	}
	return names, values, nil
}
