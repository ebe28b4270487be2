package normalize

import "tripline/detect"

func cgroupFields() []field {
	return ofKin([]field{
		cgroupField("container.id", func(c *Cgroup) string { return c.ContainerID }),
		cgroupField("container.runtime", func(c *Cgroup) string { return c.Runtime }),
		cgroupField("tripline.cgroup", func(c *Cgroup) string { return c.Path }),
		cgroupField("tripline.systemd.unit", func(c *Cgroup) string { return c.Unit }),
		cgroupField("tripline.systemd.user_unit", func(c *Cgroup) string { return c.UserUnit }),
	})
}

// cgroupField makes a field of what the control group of the event's process says.
func cgroupField(name string, get func(*Cgroup) string) field {
	return asked(words(name, func(e *Event) detect.Value {
		if family := e.family(); family != nil {
			return optional(get(&family.Cgroup))
		}
		return detect.Value{}
	}))
}
