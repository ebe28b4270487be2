package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"tripline/sensor/kernels/report"
)

// soakIn boots a kernel for the soak and keeps its record, line by line, so that it
// can be looked at while it grows.
func (s settings) soakIn(ctx context.Context, kernel, image string) (err error) {
	record, err := os.Create(s.record)
	if err != nil {
		return fmt.Errorf("keeping the soak's record: %w", err)
	}
	defer func() { err = errors.Join(err, record.Close()) }()
	b := booted{
		outcome: &outcome{name: strings.TrimPrefix(filepath.Base(kernel), "vmlinuz-")}, boot: report.Soak,
		arguments: " " + report.SoakParameter + "=" + s.soak, record: record,
	}
	return s.boot(ctx, kernel, image, &b)
}
