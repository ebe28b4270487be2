package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// capAuditControl is CAP_AUDIT_CONTROL of linux/capability.h.
const capAuditControl = 30

var errNoCapEff = errors.New("no CapEff line in /proc/self/status")

// effectiveCapability reads from the text of /proc/PID/status whether the
// process has a capability in effect.
func effectiveCapability(status string, capability uint) (bool, error) {
	for line := range strings.Lines(status) {
		mask, found := strings.CutPrefix(line, "CapEff:")
		if !found {
			continue
		}
		bits, err := strconv.ParseUint(strings.TrimSpace(mask), 16, 64)
		if err != nil {
			return false, fmt.Errorf("reading the effective capabilities: %w", err)
		}
		return bits&(1<<capability) != 0, nil
	}
	return false, errNoCapEff
}
