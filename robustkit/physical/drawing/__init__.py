"""Traffic signs and backgrounds that the project draws itself: no photographs, no font."""
