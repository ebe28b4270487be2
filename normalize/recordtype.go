package normalize

import (
	"bytes"
	"strconv"
	"strings"
)

// RecordType is the type of an audit record, the nlmsg_type of linux/audit.h.
type RecordType uint16

// The record types that the package itself tells apart.
const (
	TypeLogin      RecordType = 1006 // AUDIT_LOGIN: a login uid was set
	TypeSyscall    RecordType = 1300
	TypePath       RecordType = 1302
	TypeSocketcall RecordType = 1304
	TypeSockaddr   RecordType = 1306
	TypeCwd        RecordType = 1307
	TypeExecve     RecordType = 1309
	TypeEOE        RecordType = 1320 // end of a multi-record event
	TypeProctitle  RecordType = 1327
	TypeUringop    RecordType = 1336

	typeSystemBoot   RecordType = 1127
	typeServiceStart RecordType = 1130
	typeServiceStop  RecordType = 1131
	typeObjPID       RecordType = 1318
	typeKernel       RecordType = 2000 // the kernel's audit subsystem started
)

// Ranges of record types, from linux/audit.h.
const (
	firstUserType   RecordType = 1100 // AUDIT_FIRST_USER_MSG
	firstDaemonType RecordType = 1200 // AUDIT_DAEMON_START
	lastDaemonType  RecordType = 1299
	firstUserType2  RecordType = 2100 // AUDIT_FIRST_USER_MSG2
	lastUserType2   RecordType = 2999 // AUDIT_LAST_USER_MSG2

	firstNamedType = 1000
	lastNamedType  = 2999
)

// namesByNumber finds a name by number less firstNamedType; numbersByName is its
// inverse.
//
//nolint:gochecknoglobals // indexes of a table that nothing changes
var (
	namesByNumber = indexNames()
	numbersByName = indexNumbers()
)

func indexNames() (names [lastNamedType - firstNamedType + 1]string) {
	for _, one := range &recordTypeNames {
		names[one.number-firstNamedType] = one.name
	}
	return names
}

func indexNumbers() map[string]RecordType {
	numbers := make(map[string]RecordType, len(recordTypeNames))
	for _, one := range &recordTypeNames {
		numbers[one.name] = one.number
	}
	return numbers
}

// name is the type's name, empty for a type that has none.
func (t RecordType) name() string {
	if t < firstNamedType || t > lastNamedType {
		return ""
	}
	return namesByNumber[t-firstNamedType]
}

// String gives the name as auditd writes it, "SYSCALL", and "UNKNOWN[1399]" for a
// number without a name. ParseRecordType reads both.
func (t RecordType) String() string {
	if name := t.name(); name != "" {
		return name
	}
	return "UNKNOWN[" + strconv.Itoa(int(t)) + "]"
}

// ParseRecordType finds the record type that a log calls name: a name, a number,
// or UNKNOWN[number].
func ParseRecordType(name []byte) (RecordType, bool) {
	switch string(name) { // most records; a map takes ten times as long
	case "SYSCALL":
		return TypeSyscall, true
	case "SOCKADDR":
		return TypeSockaddr, true
	case "PROCTITLE":
		return TypeProctitle, true
	case "PATH":
		return TypePath, true
	case "CWD":
		return TypeCwd, true
	case "EOE":
		return TypeEOE, true
	}
	if typ, ok := numbersByName[string(name)]; ok {
		return typ, true
	}
	if inner, found := bytes.CutPrefix(name, []byte("UNKNOWN[")); found {
		name = bytes.TrimSuffix(inner, []byte("]"))
	}
	n, end, ok := number(name, 0, 1<<16-1)
	return RecordType(n), ok && end == len(name)
}

// alone says that records of the type are events of their own: a program or the
// audit daemon wrote them under a sequence number that nothing else has.
func (t RecordType) alone() bool {
	return t >= firstUserType && t <= lastDaemonType || t >= firstUserType2 && t <= lastUserType2
}

// daemon says that the audit daemon made the record, under a sequence number
// that is not the kernel's.
func (t RecordType) daemon() bool {
	return t >= firstDaemonType && t <= lastDaemonType
}

// auxiliary says that a record of the type only adds to another of its event.
func (t RecordType) auxiliary() bool {
	switch t {
	case TypePath, TypeSocketcall, TypeSockaddr, TypeCwd, TypeExecve, TypeEOE, TypeProctitle, typeObjPID:
		return true
	case 1303, 1311, 1312, 1313, 1314, 1315, 1317, 1321, 1322, 1323, 1337: // IPC to OPENAT2
		return true
	}
	return false
}

func indexLowerNames() (names [lastNamedType - firstNamedType + 1]string) {
	for _, one := range &recordTypeNames {
		names[one.number-firstNamedType] = strings.ToLower(one.name)
	}
	return names
}
