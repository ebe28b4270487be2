package alert

import (
	"tripline/internal/version"
	"tripline/normalize"
)

// AddHost adds the fields host.* and agent.* to a document, as events have them.
func AddHost(document map[string]any, host *normalize.HostFacts) {
	agent := map[string]any{"type": "tripline", "version": version.Version}
	document["agent"] = agent
	if host == nil {
		return
	}
	setText(agent, "id", host.AgentID)
	system, boot, fields := map[string]any{}, map[string]any{}, map[string]any{}
	for name, value := range map[string]string{
		"type": host.OS.Type, "family": host.OS.Family, "platform": host.OS.Platform, "name": host.OS.Name,
		"version": host.OS.Version, "full": host.OS.Full, "kernel": host.OS.Kernel,
	} {
		setText(system, name, value)
	}
	setText(boot, "id", host.BootID)
	setText(fields, "id", host.ID)
	setText(fields, "hostname", host.Hostname)
	setText(fields, "name", host.Hostname)
	setText(fields, "architecture", host.Architecture)
	fields["os"], fields["boot"] = system, boot
	document["host"] = fields
}
