"""The parts of the report, one file each: sentences as pure functions of results, the first its headline."""
