package normalize

import (
	"tripline/detect"
	"tripline/internal/version"
)

func hostFields() []field {
	return []field{
		constant("agent.type", "tripline"),
		constant("agent.version", version.Version),
		hostField("agent.id", func(h *HostFacts) string { return h.AgentID }),
		hostField("host.id", func(h *HostFacts) string { return h.ID }),
		hostField("host.hostname", func(h *HostFacts) string { return h.Hostname }),
		hostField("host.name", func(h *HostFacts) string { return h.Hostname }),
		hostField("host.architecture", func(h *HostFacts) string { return h.Architecture }),
		hostField("host.boot.id", func(h *HostFacts) string { return h.BootID }),
		limited(hostField("host.os.type", func(h *HostFacts) string { return h.OS.Type }), "linux"),
		hostField("host.os.family", func(h *HostFacts) string { return h.OS.Family }),
		hostField("host.os.platform", func(h *HostFacts) string { return h.OS.Platform }),
		hostField("host.os.name", func(h *HostFacts) string { return h.OS.Name }),
		hostField("host.os.version", func(h *HostFacts) string { return h.OS.Version }),
		hostField("host.os.full", func(h *HostFacts) string { return h.OS.Full }),
		hostField("host.os.kernel", func(h *HostFacts) string { return h.OS.Kernel }),
	}
}

// hostField makes a field of the host facts, missing where there are none.
func hostField(name string, get func(*HostFacts) string) field {
	one := words(name, func(e *Event) detect.Value {
		if e.host == nil {
			return detect.Value{}
		}
		return optional(get(e.host))
	})
	one.fixed = true
	return one
}
