package normalize

import (
	"strings"
	"testing"
)

func TestCgroups(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for _, test := range []struct {
		name, data string
		want       Cgroup
	}{
		{"empty", "", Cgroup{}},
		{"garbage", "x\n::\n1:a\n\x00\xff", Cgroup{}},
		{"v2 service", "0::/system.slice/cron.service\n", Cgroup{Path: "/system.slice/cron.service", Unit: "cron.service"}},
		{"v2 root", "0::/\n", Cgroup{Path: "/"}},
		{"v2 login", "0::/user.slice/user-1000.slice/session-3.scope\n", Cgroup{Path: "/user.slice/user-1000.slice/session-3.scope", Unit: "session-3.scope"}},
		{
			"v2 user service", "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service\n",
			Cgroup{Path: "/user.slice/user-1000.slice/user@1000.service/app.slice/x.service", Unit: "user@1000.service", UserUnit: "x.service"},
		},
		{"v2 user manager", "0::/user.slice/user-0.slice/user@0.service/init.scope\n", Cgroup{Path: "/user.slice/user-0.slice/user@0.service/init.scope", Unit: "user@0.service"}},
		{
			"v1 systemd", "11:pids:/system.slice/sshd.service\n4:memory:/\n1:name=systemd:/system.slice/sshd.service\n",
			Cgroup{Path: "/system.slice/sshd.service", Unit: "sshd.service"},
		},
		{
			"both", "4:memory:/user.slice\n1:name=systemd:/user.slice/user-0.slice/session-1.scope\n0::/user.slice/user-0.slice/session-1.scope\n",
			Cgroup{Path: "/user.slice/user-0.slice/session-1.scope", Unit: "session-1.scope"},
		},
		{"v1 without systemd", "3:cpuacct,cpu:/\n2:freezer:/lxc/web1\n", Cgroup{Path: "/lxc/web1", ContainerID: "web1", Runtime: "lxc"}},
		{"docker v1", "5:cpuset:/docker/" + id + "\n", Cgroup{Path: "/docker/" + id, ContainerID: id, Runtime: "docker"}},
		{
			"docker systemd", "0::/system.slice/docker-" + id + ".scope\n",
			Cgroup{Path: "/system.slice/docker-" + id + ".scope", Unit: "docker-" + id + ".scope", ContainerID: id, Runtime: "docker"},
		},
		{"docker's init", "0::/docker/" + id + "/init.scope\n", Cgroup{Path: "/docker/" + id + "/init.scope", Unit: "init.scope", ContainerID: id, Runtime: "docker"}},
		{
			"kubernetes by containerd", "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podX.slice/cri-containerd-" + id + ".scope\n",
			Cgroup{
				Path: "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-podX.slice/cri-containerd-" + id + ".scope",
				Unit: "cri-containerd-" + id + ".scope", ContainerID: id, Runtime: "containerd",
			},
		},
		{
			"kubernetes by containerd without systemd", "0::/kubepods-burstable-podX.slice:cri-containerd:" + id + "\n",
			Cgroup{Path: "/kubepods-burstable-podX.slice:cri-containerd:" + id, ContainerID: id, Runtime: "containerd"},
		},
		{"kubernetes v1", "9:pids:/kubepods/burstable/podX/" + id + "\n", Cgroup{Path: "/kubepods/burstable/podX/" + id, ContainerID: id}},
		{"cri-o", "0::/kubepods.slice/crio-" + id + ".scope\n", Cgroup{Path: "/kubepods.slice/crio-" + id + ".scope", Unit: "crio-" + id + ".scope", ContainerID: id, Runtime: "cri-o"}},
		{"cri-o's monitor", "0::/kubepods.slice/crio-conmon-" + id + ".scope\n", Cgroup{Path: "/kubepods.slice/crio-conmon-" + id + ".scope", Unit: "crio-conmon-" + id + ".scope"}},
		{"podman", "0::/machine.slice/libpod-" + id + ".scope/container\n", Cgroup{Path: "/machine.slice/libpod-" + id + ".scope/container", Unit: "libpod-" + id + ".scope", ContainerID: id, Runtime: "podman"}},
		{"podman's monitor", "0::/machine.slice/libpod-conmon-" + id + ".scope\n", Cgroup{Path: "/machine.slice/libpod-conmon-" + id + ".scope", Unit: "libpod-conmon-" + id + ".scope"}},
		{
			"podman of a user", "0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope\n",
			Cgroup{
				Path: "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + id + ".scope",
				Unit: "user@1000.service", UserUnit: "libpod-" + id + ".scope", ContainerID: id, Runtime: "podman",
			},
		},
		{"lxc", "0::/lxc.payload.web1/system.slice/cron.service\n", Cgroup{Path: "/lxc.payload.web1/system.slice/cron.service", Unit: "cron.service", ContainerID: "web1", Runtime: "lxc"}},
		{"lxc's monitor", "0::/lxc.monitor.web1\n", Cgroup{Path: "/lxc.monitor.web1"}},
		{"nspawn", "0::/machine.slice/machine-web\\x2d1.scope\n", Cgroup{Path: "/machine.slice/machine-web\\x2d1.scope", Unit: "machine-web\\x2d1.scope", ContainerID: "web-1", Runtime: "systemd-nspawn"}},
		{"nspawn service", "0::/machine.slice/systemd-nspawn@web.service/payload\n", Cgroup{Path: "/machine.slice/systemd-nspawn@web.service/payload", Unit: "systemd-nspawn@web.service", ContainerID: "web", Runtime: "systemd-nspawn"}},
		{"a container in a container", "0::/docker/" + strings.Repeat("f", 64) + "/docker/" + id + "\n", Cgroup{Path: "/docker/" + strings.Repeat("f", 64) + "/docker/" + id, ContainerID: id, Runtime: "docker"}},
		{"not 64 digits", "0::/docker-" + id[:63] + ".scope\n", Cgroup{Path: "/docker-" + id[:63] + ".scope", Unit: "docker-" + id[:63] + ".scope"}},
		{"no digits", "0::/" + strings.Repeat("g", 64) + "\n", Cgroup{Path: "/" + strings.Repeat("g", 64)}},
		{"another namespace", "0::/../../x.service\n", Cgroup{Path: "/../../x.service", Unit: "x.service"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := parseCgroup([]byte(test.data)); got != test.want {
				t.Errorf("got %+v\nnot %+v", got, test.want)
			}
		})
	}
}

func FuzzCgroup(f *testing.F) {
	f.Add([]byte("1:name=systemd:/a.service\n0::/lxc/x\n"))
	f.Add([]byte("0::/x.slice:cri-containerd:" + strings.Repeat("a", 64)))
	f.Fuzz(func(t *testing.T, data []byte) {
		found := parseCgroup(data)
		if found.Path != "" && found.Path[0] != '/' || found.UserUnit != "" && found.Unit == "" || found.Runtime != "" && found.ContainerID == "" {
			t.Errorf("%+v", found)
		}
	})
}
