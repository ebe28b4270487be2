package state

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/elastic/go-libaudit/v2/rule"
	"github.com/elastic/go-libaudit/v2/rule/flags"

	"tripline/auditrules/kernel"
)

// errKilled stands for the moment at which a sensor is killed.
var errKilled = errors.New("killed")

// fakeKernel is a kernel's audit state. It stops to work, as if the caller had
// been killed, when budget changes have been made; below zero never.
type fakeKernel struct {
	status kernel.Status
	rules  [][]byte
	budget int
	// locked refuses every change.
	locked bool
}

func (f *fakeKernel) spend() error {
	if f.locked {
		return kernel.ErrPermission
	}
	if f.budget == 0 {
		return errKilled
	}
	f.budget--
	return nil
}

func (f *fakeKernel) Status() (kernel.Status, error) { return f.status, nil }
func (f *fakeKernel) Rules() ([][]byte, error)       { return slices.Clone(f.rules), nil }

func (f *fakeKernel) Set(setting kernel.Setting, value uint32) error {
	if err := f.spend(); err != nil {
		return err
	}
	switch setting {
	case kernel.SettingEnabled:
		f.status.Enabled = value
	case kernel.SettingBacklogLimit:
		f.status.BacklogLimit = value
	case kernel.SettingBacklogWaitTime:
		f.status.BacklogWaitTime = value
	case kernel.SettingPID:
		f.status.PID = value
	}
	return nil
}

func (f *fakeKernel) AddRule(wire []byte) error {
	if err := f.spend(); err != nil {
		return err
	}
	if f.has(wire) {
		return kernel.ErrExists
	}
	f.rules = append(f.rules, wire)
	return nil
}

func (f *fakeKernel) DeleteRule(wire []byte) error {
	if err := f.spend(); err != nil {
		return err
	}
	if !f.has(wire) {
		return kernel.ErrNotFound
	}
	f.rules = slices.DeleteFunc(f.rules, func(one []byte) bool { return bytes.Equal(one, wire) })
	return nil
}

func (f *fakeKernel) has(wire []byte) bool {
	return slices.ContainsFunc(f.rules, func(one []byte) bool { return bytes.Equal(one, wire) })
}

// clone copies the kernel with a budget that never ends.
func (f *fakeKernel) clone() *fakeKernel {
	return &fakeKernel{status: f.status, rules: slices.Clone(f.rules), budget: -1}
}

func (f *fakeKernel) same(other *fakeKernel) bool {
	return f.status == other.status && slices.EqualFunc(f.rules, other.rules, bytes.Equal)
}

func wireOf(t testing.TB, line string) []byte {
	t.Helper()
	parsed, err := flags.Parse(line)
	if err != nil {
		t.Fatal(err)
	}
	wire, err := rule.Build(parsed)
	if err != nil {
		t.Fatal(err)
	}
	return wire
}
