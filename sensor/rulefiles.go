package sensor

import (
	"errors"
	"fmt"
	"io/fs"

	"tripline/detect"
	"tripline/rules"
)

// RuleFiles reads the rule files of a folder, or with an empty name those built
// into the program, as they are, by rule_id. The error names each that cannot be
// read; the others are returned beside it.
func RuleFiles(folder string) (map[string][]byte, error) {
	files := rules.FS()
	if folder == "" {
		folder = "."
	} else {
		files = hostFiles{}
	}
	loaded, err := detect.LoadRules(files, folder)
	failures := []error{err}
	all := make(map[string][]byte, len(loaded))
	for _, rule := range loaded {
		text, err := fs.ReadFile(files, rule.File)
		if err != nil {
			failures = append(failures, fmt.Errorf("reading rule %q: %w", rule.Name, err))
			continue
		}
		all[rule.RuleID] = text
	}
	return all, errors.Join(failures...)
}
