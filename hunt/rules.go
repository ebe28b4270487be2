package hunt

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"tripline/detect"
)

// maxRuleBytes is the size of the largest rule file that is read.
const maxRuleBytes = 4 << 20

// LoadRules reads rule files and the *.toml files of folders. It returns the
// rules that are in order and, joined, the errors of the others.
func LoadRules(paths []string) ([]*detect.Rule, error) {
	var rules []*detect.Rule
	var errs []error
	for _, path := range paths {
		loaded, err := loadPath(path)
		rules = append(rules, loaded...)
		errs = append(errs, err)
	}
	return rules, errors.Join(errs...)
}

func loadPath(path string) ([]*detect.Rule, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("reading rules: %w", err)
	case info.IsDir():
		return detect.LoadRules(hostFiles{}, path)
	case info.Size() > maxRuleBytes:
		return nil, fmt.Errorf("%s: rule file is larger than %d bytes", path, maxRuleBytes)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading rules: %w", err)
	}
	rule, err := detect.LoadRule(path, data)
	if err != nil {
		return nil, err
	}
	return []*detect.Rule{rule}, nil
}

// hostFiles is the host's file system with paths as users write them, absolute
// or relative, so that errors name files as users know them.
type hostFiles struct{}

// Open implements fs.FS.
func (hostFiles) Open(name string) (fs.File, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("reading rules: %w", err)
	}
	return file, nil
}
