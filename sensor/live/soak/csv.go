package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
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

// row is a sample's names and values in their order; what is nested is named alone.
func row(sample *Sample) (names, values []string, err error) {
	text, err := json.Marshal(sample)
	if err != nil {
		return nil, nil, fmt.Errorf("encoding a sample: %w", err)
	}
	name := ""
	for decoder := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := decoder.Token()
		switch value := token.(type) {
		case nil: // the end, which a text of our own has
			return names, values, ignoreEOF(err)
		case string:
			name = value
		case float64:
			names, values = append(names, name), append(values, strconv.FormatFloat(value, 'f', -1, 64))
		}
	}
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
