package normalize

import (
	"bytes"
	"strings"
)

// Cgroup is what the place of a process in the tree of control groups says of it.
// A privileged process can make control groups of any name: it says what systemd
// or a container runtime usually means by it, and proves nothing.
type Cgroup struct {
	// Path is that of cgroup v2, or that of systemd's own hierarchy of v1, or the
	// longest of v1's; empty where it is not known.
	Path string
	// Unit is the systemd unit, a service or scope, UserUnit the one inside it of
	// a user's own systemd.
	Unit, UserUnit string
	// ContainerID names the container and Runtime what runs it: docker,
	// containerd, cri-o, podman, lxc, systemd-nspawn; empty where the path does
	// not tell.
	ContainerID, Runtime string
}

// parseCgroup reads the content of /proc/PID/cgroup, see cgroups(7): lines of the
// form "NUMBER:CONTROLLERS:PATH". Without a path in v2's hierarchy, which is
// "0::PATH", that of v1 counts.
func parseCgroup(data []byte) Cgroup {
	var v2, systemd, longest string
	found := Cgroup{}
	for line := range bytes.Lines(data) {
		number, rest, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(":"))
		controllers, place, complete := bytes.Cut(rest, []byte(":"))
		if !complete || !bytes.HasPrefix(place, []byte("/")) {
			continue
		}
		path := string(place)
		switch {
		case string(number) == "0" && len(controllers) == 0:
			v2 = path
		case string(controllers) == "name=systemd":
			systemd = path
		}
		if len(path) > len(longest) {
			longest = path
		}
		if found.ContainerID == "" {
			found.ContainerID, found.Runtime = containerOf(path)
		}
	}
	// On a host with both, v2's hierarchy may be there and unused.
	for _, path := range []string{v2, systemd, longest} {
		if found.Path == "" || found.Path == "/" {
			found.Path = path
		}
	}
	unitPath := found.Path
	if systemd != "" {
		unitPath = systemd
	}
	found.Unit, found.UserUnit = unitsOf(unitPath)
	return found
}

// unitsOf finds the systemd unit in a path: the first part below the slices that
// has a unit's name. A user's own systemd is the unit user@UID.service and has
// units below it.
func unitsOf(path string) (unit, userUnit string) {
	for part := range strings.SplitSeq(path, "/") {
		name := strings.TrimPrefix(part, "_") // systemd's escape for names that are the kernel's
		if !strings.HasSuffix(name, ".service") && !strings.HasSuffix(name, ".scope") {
			continue
		}
		switch {
		case unit == "":
			unit = name
			if !strings.HasPrefix(unit, "user@") {
				return unit, ""
			}
		case name != "init.scope":
			return unit, name
		}
	}
	return unit, ""
}

// containerOf finds a container in a path. The innermost counts.
func containerOf(path string) (id, runtime string) {
	for {
		begin := strings.LastIndexByte(path, '/')
		above := path[:max(begin, 0)]
		if id, runtime = containerPart(above[strings.LastIndexByte(above, '/')+1:], path[begin+1:]); id != "" || begin < 0 {
			return id, runtime
		}
		path = above
	}
}

// containerPart reads one part of a path, which is below another.
func containerPart(parent, part string) (id, runtime string) {
	if part == "" {
		return "", ""
	}
	name := strings.TrimSuffix(part, ".scope")
	if at := strings.LastIndexByte(name, ':'); at >= 0 { // "kubepods-….slice:cri-containerd:ID"
		name = strings.ReplaceAll(name[strings.LastIndexByte(name[:at], ':')+1:], ":", "-")
	}
	for _, one := range []struct{ prefix, runtime string }{
		{"docker-", "docker"},
		{"cri-containerd-", "containerd"},
		{"nerdctl-", "containerd"},
		{"crio-", "cri-o"},
		{"libpod-payload-", "podman"},
		{"libpod-", "podman"},
	} {
		if rest, ok := strings.CutPrefix(name, one.prefix); ok && isContainerID(rest) {
			return rest, one.runtime
		}
	}
	switch {
	case isContainerID(name):
		return name, map[string]string{"docker": "docker", "libpod_parent": "podman", "default": "containerd"}[parent]
	case parent == "lxc" && name != "":
		return name, "lxc"
	case strings.HasPrefix(name, "lxc.payload."):
		return name[len("lxc.payload."):], "lxc"
	case strings.HasPrefix(name, "machine-") && parent == "machine.slice":
		return strings.ReplaceAll(name[len("machine-"):], `\x2d`, "-"), "systemd-nspawn"
	case strings.HasPrefix(part, "systemd-nspawn@") && strings.HasSuffix(part, ".service"):
		return strings.ReplaceAll(strings.TrimSuffix(part[len("systemd-nspawn@"):], ".service"), `\x2d`, "-"), "systemd-nspawn"
	}
	return "", ""
}

// isContainerID says whether a text is 64 hexadecimal digits.
func isContainerID(text string) bool {
	if len(text) != 64 {
		return false
	}
	for _, c := range []byte(text) {
		if c-'0' > 9 && c-'a' > 5 {
			return false
		}
	}
	return true
}
