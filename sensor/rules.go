package sensor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"tripline/auditrules"
	"tripline/auditrules/kernel"
	"tripline/config"
	"tripline/detect"
	"tripline/normalize"
	"tripline/rules"
)

// LoadRules loads and compiles the rules of a folder, or with an empty name the
// ones built into the program, with the exceptions that hold today. One bad rule
// or exception does not stop the others: the error names each, and the good ones
// are returned beside it.
func LoadRules(folder string, exceptions []config.Exception) ([]*detect.Compiled, error) {
	files := rules.FS()
	if folder == "" {
		folder = "."
	} else {
		files = hostFiles{}
	}
	loaded, err := detect.LoadRules(files, folder)
	failures := []error{err}
	compiled := make([]*detect.Compiled, 0, len(loaded))
	for _, rule := range loaded {
		one, err := detect.Compile(rule, normalize.Schema())
		if err != nil {
			failures = append(failures, err)
			continue
		}
		compiled = append(compiled, one)
	}
	compiled, err = except(compiled, exceptions, time.Now())
	return compiled, errors.Join(append(failures, err)...)
}

// Limits are the engine's limits that a configuration asks for.
func Limits(c config.Detect) detect.Limits {
	return detect.Limits{
		PendingPerRule: c.MaxPendingPerRule, PendingTotal: c.MaxPendingTotal, Tolerance: int64(c.Tolerance),
	}
}

// ReplayLimits are those for recorded logs: what the configuration asks for, and not
// less than the engine's own, for a replay has no service's memory limits to keep.
func ReplayLimits(c config.Detect) detect.Limits {
	asked, own := Limits(c), detect.DefaultLimits()
	asked.PendingPerRule = max(asked.PendingPerRule, own.PendingPerRule)
	asked.PendingTotal = max(asked.PendingTotal, own.PendingTotal)
	return asked
}

// except puts exceptions before the rules that they are for.
func except(compiled []*detect.Compiled, exceptions []config.Exception, now time.Time) ([]*detect.Compiled, error) {
	var failures []error
	for i, exception := range exceptions {
		if exception.Until.Over(now) {
			continue
		}
		condition, err := detect.CompileException(exception.Condition, normalize.Schema())
		if err != nil {
			failures = append(failures, exception.Locate(i+1, err))
			continue
		}
		found := false
		for j, one := range compiled {
			if exception.Rule == "*" || exception.Rule == one.Rule().RuleID {
				compiled[j] = one.Except(condition)
				found = true
			}
		}
		if !found {
			failures = append(failures, exception.NotLoaded(i+1))
		}
	}
	return compiled, errors.Join(failures...)
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

// PlanRules works out the kernel audit rules that the compiled rules need on
// this host.
func PlanRules(compiled []*detect.Compiled, key string) (*auditrules.Plan, error) {
	features, err := hostFeatures()
	if err != nil {
		return nil, err
	}
	return PlanRulesFor(compiled, features, key)
}

// hostFeatures is what this host's kernel can do, as far as it can be asked.
func hostFeatures() (kernel.Features, error) {
	client, err := kernel.Open()
	if err != nil {
		// Without audit there is still a machine to plan for.
		machine, err := auditrules.Machine()
		return kernel.Features{Machine: machine}, err
	}
	features := client.Features()
	return features, client.Close()
}

// PlanRulesFor works out the kernel audit rules that the compiled rules need on a
// kernel with the given features.
func PlanRulesFor(compiled []*detect.Compiled, features kernel.Features, key string) (*auditrules.Plan, error) {
	var needs []detect.Need
	for _, one := range compiled {
		needs = append(needs, one.Needs()...)
	}
	return auditrules.NewPlan(needs, features, key)
}

// sources are the rules that were compiled.
func sources(compiled []*detect.Compiled) []*detect.Rule {
	all := make([]*detect.Rule, 0, len(compiled))
	for _, one := range compiled {
		all = append(all, one.Rule())
	}
	return all
}
