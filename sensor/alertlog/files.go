package alertlog

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ownDigits is how many digits the numbers have that Tripline gives to the files
// that it rotates away: they grow. Those of logrotate have fewer, and 1 is the
// newest.
const ownDigits = 6

// sibling is a rotated file.
type sibling struct {
	path string
	// age orders files, the oldest being the smallest: by kind, then by number.
	kind   int
	number int64
	packed bool
}

// Files lists a file and what was rotated away from it, the oldest first: by
// Tripline (alerts.ndjson.000001.gz) or by logrotate (alerts.ndjson.1,
// alerts.ndjson-20261124.gz). The file itself may be missing where a rotated one
// exists.
func Files(path string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil, fmt.Errorf("looking for alert files: %w", err)
	}
	var found []sibling
	for _, entry := range entries {
		rest, ok := strings.CutPrefix(entry.Name(), filepath.Base(path))
		if !ok || rest == "" || entry.IsDir() {
			continue
		}
		if one, ok := parseSibling(rest); ok {
			one.path = filepath.Join(filepath.Dir(path), entry.Name())
			found = append(found, one)
		}
	}
	slices.SortStableFunc(found, func(a, b sibling) int {
		// Of a file and its compressed copy, which a crash leaves, the
		// compressed one is whole.
		return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.number, b.number), compareBool(b.packed, a.packed))
	})
	var files []string
	for i, one := range found {
		if i > 0 && one.kind == found[i-1].kind && one.number == found[i-1].number {
			continue
		}
		files = append(files, one.path)
	}
	switch _, err := os.Stat(path); {
	case err == nil:
		files = append(files, path)
	case !errors.Is(err, fs.ErrNotExist) || len(files) == 0:
		return nil, fmt.Errorf("looking for alert files: %w", err)
	}
	return files, nil
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// parseSibling reads what follows the name of the file in that of a rotated one.
func parseSibling(rest string) (sibling, bool) {
	digits, packed := strings.CutSuffix(rest, ".gz")
	if len(digits) < 2 {
		return sibling{}, false
	}
	separator := digits[:1]
	number, err := strconv.ParseInt(digits[1:], 10, 64)
	if err != nil || number < 0 || digits[1] < '0' || digits[1] > '9' {
		return sibling{}, false
	}
	one := sibling{number: number, packed: packed}
	switch {
	case separator == "-": // logrotate's dateext: 20261124, or seconds
		one.kind = 0
	case separator != ".":
		return sibling{}, false
	case len(digits) <= ownDigits:
		one.kind, one.number = 1, -number
	default:
		one.kind = 2
	}
	return one, true
}
