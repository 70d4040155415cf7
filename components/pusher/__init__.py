"""Push a blessed model: a complete version, or none."""
