package detect

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"tripline/detect/eql"
	"tripline/internal/diag"
	"tripline/internal/stricttoml"
)

// ruleFile is the layout of a rule file.
type ruleFile struct {
	Metadata  Metadata   `toml:"metadata"`
	Rule      Definition `toml:"rule"`
	Transform Transform  `toml:"transform"`
}

const (
	defaultMaxSignals = 100
	defaultVersion    = 1
)

// LoadRule reads one rule file. The error joins a *diag.Error for each defect,
// with its place in the file. A well-formed rule of a type that is not
// evaluated is a *NotRunnableError.
func LoadRule(file string, data []byte) (*Rule, error) {
	source := ruleFile{Rule: Definition{Version: defaultVersion, MaxSignals: defaultMaxSignals}}
	if err := stricttoml.Decode(file, data, &source); err != nil {
		return nil, err
	}
	v := &validator{file: file, data: data, rule: &source.Rule}
	v.validate()
	if err := errors.Join(v.errs...); err != nil {
		return nil, err
	}
	rule := &Rule{File: file, Metadata: source.Metadata, Definition: source.Rule, Transform: source.Transform}
	rule.queryPlace = stricttoml.PlaceOf(data, "rule", "query")
	if reason := rule.runnableType(); reason != nil {
		return nil, reason
	}
	if _, err := eql.Parse(rule.Query); err != nil {
		return nil, rule.locate(err)
	}
	return rule, nil
}

// LoadRules reads every *.toml file of a directory and of the directories in it,
// in the order of their paths. What begins with a dot is left out. It returns the
// rules that are in order and, joined, the errors of the others.
func LoadRules(fsys fs.FS, dir string) ([]*Rule, error) {
	var rules []*Rule
	var errs []error
	byID := make(map[string]*Rule)
	walkErr := fs.WalkDir(fsys, dir, func(name string, entry fs.DirEntry, err error) error {
		switch hidden := name != dir && strings.HasPrefix(path.Base(name), "."); {
		case err != nil && name == dir:
			return err // it names the folder
		case err != nil:
			errs = append(errs, fmt.Errorf("reading rules: %w", err))
			return fs.SkipDir
		case entry.IsDir() && hidden:
			return fs.SkipDir
		case entry.IsDir() || hidden || path.Ext(name) != ".toml":
			return nil
		}
		rule, err := loadRuleFile(fsys, name, byID)
		if err != nil {
			errs = append(errs, err)
			return nil
		}
		byID[rule.RuleID] = rule
		rules = append(rules, rule)
		return nil
	})
	if walkErr != nil {
		return nil, walkErr
	}
	return rules, errors.Join(errs...)
}

// maxRuleBytes is the size of the largest rule file that is read.
const maxRuleBytes = 4 << 20

// loadRuleFile reads a file whose rule must not be among those of byID.
func loadRuleFile(fsys fs.FS, name string, byID map[string]*Rule) (*Rule, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read rule: %w", err)
	}
	if info.Size() > maxRuleBytes {
		return nil, &diag.Error{File: name, Message: fmt.Sprintf("rule file is larger than %d bytes", maxRuleBytes)}
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return nil, fmt.Errorf("read rule: %w", err)
	}
	rule, err := LoadRule(name, data)
	if err != nil {
		return nil, err
	}
	return rule, refuseDuplicate(byID, rule, data)
}

// refuseDuplicate is an error if a rule with the same id was loaded before.
func refuseDuplicate(byID map[string]*Rule, rule *Rule, data []byte) error {
	former, ok := byID[rule.RuleID]
	if !ok {
		return nil
	}
	v := &validator{file: rule.File, data: data, rule: &rule.Definition}
	return v.errorAt("rule_id", "remove one of the files or give one a new rule_id",
		"rule_id %s is already that of %s", rule.RuleID, former.File)
}
