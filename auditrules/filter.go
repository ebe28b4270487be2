package auditrules

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"tripline/detect"
)

// userField is a kernel field that holds the number of a user or group, and the
// ECS fields that package normalize reads from the same place of a record.
type userField struct {
	name  string
	field uint32
	what  string
	ecs   []string
}

func userFields() []userField {
	return []userField{
		{"euid", unix.AUDIT_EUID, "effective user", []string{"user.id", "user.effective.id", "process.user.id"}},
		{"uid", unix.AUDIT_UID, "real user", []string{"user.real.id", "process.real_user.id"}},
		{"suid", unix.AUDIT_SUID, "saved user", []string{"user.saved.id", "process.saved_user.id"}},
		{"fsuid", unix.AUDIT_FSUID, "filesystem user", []string{"user.filesystem.id"}},
		{"auid", unix.AUDIT_LOGINUID, "login user", []string{"user.audit.id"}},
		{"egid", unix.AUDIT_EGID, "effective group", []string{"user.group.id", "user.effective.group.id", "process.group.id"}},
		{"gid", unix.AUDIT_GID, "real group", []string{"user.real.group.id", "process.real_group.id"}},
	}
}

// filter is what the kernel can decide because every interested need demands it.
type filter struct {
	conditions []condition
	// reason names the conditions in words, for the end of a sentence.
	reason string
}

// sharedFilter finds the users and groups that all of the needs insist on.
func sharedFilter(needs []detect.Need) filter {
	var shared filter
	for _, field := range userFields() {
		value, ok := insistence(needs[0], field)
		for _, need := range needs[1:] {
			other, also := insistence(need, field)
			ok = ok && also && other == value
		}
		if !ok {
			continue
		}
		shared.conditions = append(shared.conditions, condition{name: field.name, field: field.field, op: unix.AUDIT_EQUAL, value: value})
		shared.reason += ", " + field.what + " " + strconv.FormatUint(uint64(value), 10) + " only"
	}
	return shared
}

// insistence is the one number that a need insists on for a kernel field.
func insistence(need detect.Need, field userField) (uint32, bool) {
	for _, one := range need.Conditions {
		if !slices.Contains(field.ecs, one.Field) || len(one.Values) != 1 {
			continue
		}
		value, err := strconv.ParseUint(one.Values[0], 10, 32)
		// A number written otherwise, such as 00, equals no id as events write it.
		if err == nil && strconv.FormatUint(value, 10) == one.Values[0] && value != unsetID {
			return uint32(value), true
		}
	}
	return 0, false
}

// unsetID is the number of nobody, which events do not show.
const unsetID = 1<<32 - 1

// Address families of linux/socket.h.
const (
	familyINET  = 2
	familyINET6 = 10
)

// familyFilter narrows a feed to the Internet's address families when none of the
// needs accepts an event of another. One rule takes both: the families between
// them belong to protocols that are gone (AX.25 to X.25).
//
// saddr_fam never matches where the kernel has no address; an address that the
// kernel could not read was not connected to.
func familyFilter(f feed, needs []detect.Need) filter {
	if !f.addressed {
		return filter{}
	}
	all := true
	for _, need := range needs {
		for _, one := range f.serves(need) {
			if one != attempted() && one != peered() {
				return filter{}
			}
		}
		all = all && insistsOnIPv6(need)
	}
	if all {
		return filter{[]condition{family(unix.AUDIT_EQUAL, familyINET6)}, ", IPv6 only"}
	}
	return internet()
}

// internet selects IPv4 and IPv6.
func internet() filter {
	return filter{[]condition{
		family(unix.AUDIT_GREATER_THAN_OR_EQUAL, familyINET), family(unix.AUDIT_LESS_THAN_OR_EQUAL, familyINET6),
	}, ", IPv4 and IPv6 only"}
}

// family compares the address family.
func family(op, value uint32) condition {
	return condition{name: "saddr_fam", field: unix.AUDIT_SADDR_FAM, op: op, value: value}
}

// insistsOnIPv6 says that a need accepts no IPv4. Not so the other way round: an
// IPv6 socket can connect to an IPv4 address.
func insistsOnIPv6(need detect.Need) bool {
	for _, one := range need.Conditions {
		if one.Field == "network.type" && len(one.Values) == 1 && strings.EqualFold(one.Values[0], "ipv6") {
			return true
		}
	}
	return false
}
