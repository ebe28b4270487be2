package auditrules

import "strconv"

// Filter lists, actions, operators and fields of rules (linux/audit.h).
const (
	listUser    = 0
	listTask    = 1
	listEntry   = 2
	listExit    = 4
	listExclude = 5
	listURing   = 7
	prepend     = 0x10

	actionNever  = 0
	actionAlways = 2

	operMask         = 0x08000000
	operLess         = 0x10000000
	operGreater      = 0x20000000
	operNotEqual     = 0x30000000
	operEqual        = 0x40000000
	operTest         = 0x48000000
	operLessEqual    = 0x50000000
	operGreaterEqual = 0x60000000

	fieldPersonality  = 10
	fieldArch         = 11
	fieldMessageType  = 12
	fieldFilesystem   = 26
	fieldExit         = 103
	fieldWatch        = 105
	fieldPermission   = 106
	fieldFolder       = 107
	fieldFileType     = 108
	fieldComparison   = 111
	fieldExecutable   = 112
	fieldArgument0    = 200
	fieldArgument3    = 203
	fieldKey          = 210
	firstIdentity     = 1 // uid
	lastIdentity      = 9 // auid
	firstSubjectLabel = 13
	lastSubjectLabel  = 17
	unsetIdentity     = 0xffffffff // such as auid before a login
	firstObjectLabel  = 19
	lastObjectLabel   = 23
)

// hasText says whether a field's value is text.
func hasText(field uint32) bool {
	switch {
	case field >= firstSubjectLabel && field <= lastSubjectLabel, field >= firstObjectLabel && field <= lastObjectLabel:
		return true
	}
	return field == fieldWatch || field == fieldFolder || field == fieldExecutable || field == fieldKey
}

// fieldNames are auditctl's names of fields.
var fieldNames = map[uint32]string{
	0: "pid", 1: "uid", 2: "euid", 3: "suid", 4: "fsuid", 5: "gid", 6: "egid", 7: "sgid", 8: "fsgid", 9: "auid",
	10: "pers", 11: "arch", 12: "msgtype", 13: "subj_user", 14: "subj_role", 15: "subj_type", 16: "subj_sen",
	17: "subj_clr", 18: "ppid", 19: "obj_user", 20: "obj_role", 21: "obj_type", 22: "obj_lev_low",
	23: "obj_lev_high", 24: "auid_set", 25: "sessionid", 26: "fstype",
	100: "devmajor", 101: "devminor", 102: "inode", 103: "exit", 104: "success", 105: "path", 106: "perm",
	107: "dir", 108: "filetype", 109: "obj_uid", 110: "obj_gid", 111: "-C", 112: "exe", 113: "saddr_fam",
	200: "a0", 201: "a1", 202: "a2", 203: "a3", 210: "key",
}

// fieldName is auditctl's name of a field, or its number.
func fieldName(field uint32) string {
	if name, found := fieldNames[field]; found {
		return name
	}
	return "field" + strconv.FormatUint(uint64(field), 10)
}

// listName is auditctl's name of a filter list, or its number.
func listName(list uint32) string {
	names := [...]string{"user", "task", "entry", "watch", "exit", "exclude", "filesystem", "io_uring"}
	if int64(list) < int64(len(names)) {
		return names[list]
	}
	return "list" + strconv.FormatUint(uint64(list), 10)
}

// actionName is auditctl's name of an action, or its number.
func actionName(action uint32) string {
	names := [...]string{"never", "possible", "always"}
	if int64(action) < int64(len(names)) {
		return names[action]
	}
	return "action" + strconv.FormatUint(uint64(action), 10)
}

// operatorText is how auditctl writes an operator.
func operatorText(operator uint32) string {
	switch operator {
	case operMask:
		return "&"
	case operLess:
		return "<"
	case operGreater:
		return ">"
	case operNotEqual:
		return "!="
	case operEqual:
		return "="
	case operTest:
		return "&="
	case operLessEqual:
		return "<="
	case operGreaterEqual:
		return ">="
	}
	return "?"
}

// comparisons are the pairs of fields that a rule can compare (AUDIT_COMPARE_* in
// linux/audit.h), by their number, from 1 on.
var comparisons = [...]string{
	1: "uid obj_uid", 2: "gid obj_gid", 3: "euid obj_uid", 4: "egid obj_gid", 5: "auid obj_uid", 6: "suid obj_uid",
	7: "sgid obj_gid", 8: "fsuid obj_uid", 9: "fsgid obj_gid", 10: "uid auid", 11: "uid euid", 12: "uid fsuid",
	13: "uid suid", 14: "auid fsuid", 15: "auid suid", 16: "auid euid", 17: "euid suid", 18: "euid fsuid",
	19: "suid fsuid", 20: "gid egid", 21: "gid fsgid", 22: "gid sgid", 23: "egid fsgid", 24: "egid sgid",
	25: "sgid fsgid",
}
