package normalize

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// HostFacts say on which host events happened. An empty field is not known and
// left out of events.
type HostFacts struct {
	// ID is host.id, the content of machine-id(5).
	ID string `json:"id,omitempty"`
	// Hostname is host.hostname as uname(2) has it, without a domain in most cases.
	Hostname string `json:"hostname,omitempty"`
	// OS is host.os.
	OS OSFacts `json:"os,omitzero"`
	// Architecture is host.architecture as uname(2) has it, "x86_64".
	Architecture string `json:"architecture,omitempty"`
	// BootID is host.boot.id, another one after every boot.
	BootID string `json:"boot_id,omitempty"`
	// AgentID is agent.id. It is derived from ID, which it does not give away.
	AgentID string `json:"agent_id,omitempty"`
}

// OSFacts describe an operating system in the words of ECS's host.os.
type OSFacts struct {
	// Type is "linux".
	Type string `json:"type,omitempty"`
	// Family is whose relative the distribution is, "debian" or "redhat", and
	// Platform its short name, "ubuntu".
	Family   string `json:"family,omitempty"`
	Platform string `json:"platform,omitempty"`
	// Name and Version are for people, "Ubuntu" and "24.04"; Full is both,
	// "Ubuntu 24.04.1 LTS".
	Name    string `json:"name,omitempty"`
	Version string `json:"version,omitempty"`
	Full    string `json:"full,omitempty"`
	// Kernel is the release of the kernel, "6.1.0-26-amd64".
	Kernel string `json:"kernel,omitempty"`
}

// ReadHostFacts reads the facts of the host whose root directory is root, "/" for
// this one, from files below it. What is in none of them stays empty; an error
// means that a file is there and cannot be read, and the other facts are
// returned with it. The architecture, which no file tells, is known of this host
// only.
func ReadHostFacts(root string) (*HostFacts, error) {
	files := hostFiles{root: root}
	facts := &HostFacts{
		ID:       files.machineID("etc/machine-id", "var/lib/dbus/machine-id"),
		Hostname: files.line("proc/sys/kernel/hostname"),
		BootID:   files.line("proc/sys/kernel/random/boot_id"),
	}
	if release := files.text("etc/os-release", "usr/lib/os-release"); release != "" {
		facts.OS = hostParseRelease(release)
	} else {
		facts.OS = hostParseRedHat(files.line("etc/redhat-release"))
	}
	facts.OS.Type = "linux"
	facts.OS.Kernel = files.line("proc/sys/kernel/osrelease")
	facts.AgentID = hostAgentID(facts.ID)
	var errArchitecture error
	if filepath.Clean(root) == "/" {
		facts.Architecture, errArchitecture = hostArchitecture()
	}
	return facts, errors.Join(append(files.failed, errArchitecture)...)
}

// hostAgentID derives an id from the machine id in the way that machine-id(5)
// asks for, because that one is confidential outside of the host.
func hostAgentID(machineID string) string {
	if machineID == "" {
		return ""
	}
	digest := hmac.New(sha256.New, []byte(machineID))
	digest.Write([]byte("tripline agent.id"))
	sum := digest.Sum(nil)
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func hostArchitecture() (string, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", fmt.Errorf("uname: %w", err)
	}
	return unix.ByteSliceToString(name.Machine[:]), nil
}

// hostFileLimit bounds, in bytes, what is read of a file.
const hostFileLimit = 64 << 10

// hostFiles reads small files of a host and collects what went wrong.
type hostFiles struct {
	root   string
	failed []error
}

// text is the content of the first of the files that exists and is not empty.
func (f *hostFiles) text(names ...string) string {
	for _, name := range names {
		data, err := hostRead(filepath.Join(f.root, name))
		switch {
		case err == nil && len(data) > 0:
			return string(data)
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			f.failed = append(f.failed, fmt.Errorf("host facts: %w", err))
		}
	}
	return ""
}

// line is the first line of the first of the files that exists and is not empty.
func (f *hostFiles) line(names ...string) string {
	line, _, _ := strings.Cut(f.text(names...), "\n")
	return strings.TrimSpace(line)
}

// machineID is the machine id of the first of the files that has one. What is none,
// as of a damaged file, would be the identity of every process of the host.
func (f *hostFiles) machineID(names ...string) string {
	const unset = "uninitialized" // during the first boot, see machine-id(5)
	for _, name := range names {
		line := f.line(name)
		if isMachineID(line) {
			return line
		}
		if line != "" && line != unset {
			f.failed = append(f.failed, fmt.Errorf("host facts: %s has no machine id", filepath.Join(f.root, name)))
		}
	}
	return ""
}

// isMachineID says whether a text is 32 hexadecimal digits, also as a UUID.
func isMachineID(text string) bool {
	const digits = 32
	text = strings.ReplaceAll(text, "-", "")
	return len(text) == digits && strings.Trim(text, "0123456789abcdefABCDEF") == ""
}

// hostRead reads the beginning of a file. It does not wait for the other end of
// a pipe.
func hostRead(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // nothing was written
	return io.ReadAll(io.LimitReader(file, hostFileLimit))
}
