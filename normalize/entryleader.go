package normalize

import "strings"

// The kinds of beginnings that an entry leader has, values of
// process.entry_leader.entry_meta.type.
const (
	entryInit      = "init"
	entrySSH       = "sshd"
	entryConsole   = "console"
	entryContainer = "container"
	entrySSM       = "ssm"
)

// entryLeader finds what the process's doings began with: of the process and its
// ancestors the nearest leader of a session that a program which lets people or
// containers in started, or that init started; init itself where there is none. It
// is nil where the ancestors are not known up to there.
func (f *Family) entryLeader() (*ProcessFacts, string) {
	if f.Process == nil {
		return nil, ""
	}
	one := f.Process
	for _, parent := range f.Ancestors {
		if one.PID == one.Session {
			if kind := entryKind(one, parent); kind != "" {
				return one, kind
			}
		}
		one = parent
	}
	if one.PID == 1 {
		return one, entryInit
	}
	return nil, ""
}

// entryKind says what a session that a parent began is, empty where it is none that
// comes from outside.
func entryKind(leader, parent *ProcessFacts) string {
	const virtualConsole, firstSerial = 4, 64
	name := parent.name()
	switch {
	case name == "sshd" || name == "sshd-session":
		return entrySSH
	case strings.HasPrefix(name, "containerd-shim") || strings.HasPrefix(name, "docker-containerd-shim") ||
		name == "conmon" || name == "runc" || name == "crun":
		return entryContainer
	case name == "amazon-ssm-agent" || name == "ssm-agent-worker" || name == "ssm-session-worker":
		return entrySSM
	case leader.Terminal.major == virtualConsole && leader.Terminal.minor < firstSerial:
		return entryConsole
	case parent.PID == 1:
		return entryInit
	}
	return ""
}
