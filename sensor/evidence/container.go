package evidence

import (
	"regexp"
	"strings"
)

// cgroupLimit bounds how many control groups are listed.
const cgroupLimit = 32

// readContainer reads in which control groups the process is.
func (g *Gatherer) readContainer(request *Request, running bool, part *Container) {
	part.begin()
	if !running {
		part.fail("the process has ended and its control group is not known any more")
		return
	}
	data, err := g.proc.read(request.PID, "cgroup")
	if err != nil {
		part.fail("%v", err)
		return
	}
	part.parse(string(data))
}

// containerID is a container's id as Docker, containerd, CRI-O and Podman put it
// into the path of a control group: 64 hexadecimal digits, with the runtime before
// it or as the parent folder.
var containerID = regexp.MustCompile(`(?:^|[/:-])(?:(docker|crio|cri-containerd|libpod|containerd)[-/])?([0-9a-f]{64})(?:\.scope)?(?:/|$)`)

// unitName is a systemd unit in the path of a control group.
var unitName = regexp.MustCompile(`/([^/]+\.(?:service|scope))(?:/|$)`)

// parse reads a cgroup file: lines of the form ID:CONTROLLERS:PATH, see cgroups(7).
func (c *Container) parse(text string) {
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), ":", 3)
		if len(parts) < 3 {
			continue
		}
		path := strings.ToValidUTF8(parts[2], "\ufffd")
		if len(c.Cgroups) < cgroupLimit {
			c.Cgroups = append(c.Cgroups, parts[1]+":"+path)
		}
		if found := containerID.FindStringSubmatch(path); found != nil && c.ID == "" {
			c.ID, c.Runtime = found[2], runtimeName(found[1], path)
		}
		if found := unitName.FindStringSubmatch(path); found != nil && c.Unit == "" {
			c.Unit = found[1]
		}
		if _, name, ok := strings.Cut(path, "/lxc/"); ok && c.ID == "" {
			c.ID, _, _ = strings.Cut(name, "/")
			c.Runtime = "lxc"
		}
	}
}

// runtimeName says who made a container, as far as the path tells.
func runtimeName(prefix, path string) string {
	switch {
	case prefix == "docker" || strings.Contains(path, "docker"):
		return "docker"
	case prefix == "crio":
		return "cri-o"
	case prefix == "libpod":
		return "podman"
	case strings.Contains(prefix, "containerd"), strings.Contains(path, "kubepods"):
		return "containerd"
	default:
		return ""
	}
}
