# Copyright (c) 2026, the warroom.launch authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What would be wrong in an example is found: a fault of each kind."""

from __future__ import annotations

import pathlib

import pytest

from tests.support.examples.commands import command_problems
from tests.support.examples.documents import document_problems
from tests.support.examples.found import Example, fenced
from tests.unit.docs.test_examples import problems


@pytest.mark.parametrize(
    "line, says",
    [
        ("ansible-playbook -i inventory warroom.launch.launch_chek", "there is no playbook"),
        ("ansible-playbook -i inventory playbooks/none.yml", "there is no playbook"),
        ("ansible-playbook warroom.launch.launch_check --inventry x", "unrecognized arguments"),
        ("ansible-playbook warroom.launch.launch_check -e launch_check_treshold=1", "did you mean launch_check_thresholds"),
        ("ansible-playbook warroom.launch.launch_check -e launch_check_fail_on=never_ever", "must be one of"),
        ('ansible-playbook warroom.launch.launch_check -e \'{"launch_check_accept": {"uwsgi_buzy": "x"}}\'', "uwsgi_buzy"),
        ("ansible-playbook warroom.launch.launch_monitoring --tags postgres", "no task has the tag"),
        ("ansible all -m warroom.launch.uwsgi_stat", "there is no module"),
        ("ansible all -m uwsgi_stats -a windows=3", "has no option windows; did you mean window"),
        ("ansible all -m uwsgi_stats -a window=long", "unable to convert to float"),
        ("ansible-doc -t module warroom.launch.none", "there is no module"),
        ("ansible-doc -t lookup warroom.launch.uwsgi_stats", "there is no lookup"),
        ("ansible-galaxy collection install warroom.lunch", "not we"),
        ("ansible-inventory --grph", "unrecognized arguments"),
        ("make demmo", "no target"),
        ("make demo STORIES=missing_index", "no variable"),
        ("make demo STORY=missing_indx", "no story"),
        ("pip install tmuxpp", "no package"),
        ("python3 check_launch.py x --maxage 3", "no option --maxage"),
        ("python3 check_lunch.py x", "no script"),
        ("anisble all -m ping", "no program"),
        ("ansible all -m 'ping", "No closing quotation"),
    ],
)
def test_a_wrong_command(line: str, says: str) -> None:
    (problem,) = command_problems(line)
    assert says in problem


@pytest.mark.parametrize(
    "text, says",
    [
        ("a: b: c", "no YAML"),
        ("launch_check_window: 5\nlaunch_check_window: 6", "is there twice"),
        ("something: else", "no known kind"),
        ("launch_check_windows: 5", "did you mean launch_check_window"),
        ("launch_check_window: long", "unable to convert to float"),
        ("launch_check_services: {uwsgi: [{stat: a}]}", "stat"),
        ("launch_check_services: {postgresql: {login_users: a}}", "login_users"),
        ("launch_check_services: {uwsg: auto}", "uwsg"),
        ("launch_check_thresholds: {uwsgi_workers_busy: {warn: '> many'}}", "many"),
        ("launch_check_accept: {server_cloc: x}", "server_cloc"),
        ("- hosts: all\n  role: [x]", "a play has no role"),
        ("- hosts: all\n  roles: [warroom.launch.launch_chk]", "there is no role"),
        ("- hosts: all\n  tasks:\n    - warroom.launch.uwsgi_stats: {stat: x}", "has no option stat"),
        ("- name: x\n  warroom.launch.uwsgi_stats:\n  register: a\n  becom: true", "one module"),
        ("- name: x\n  ansible.builtin.debgu: {msg: a}", "there is no module"),
        ("- name: x\n  ansible.builtin.debug: {mesg: a}", "has no option mesg"),
        ("- name: x\n  ansible.builtin.debug: {msg: '{{ a | warroom.launch.evalute }}'}", "there is no filter warroom.launch.evalute"),
        ("- name: x\n  ansible.builtin.debug: {msg: '{{ a | }}'}", "a |"),
        ("- name: x\n  ansible.builtin.debug: {msg: a}\n  when: a b", "a b"),
        ("- id: a_b\n  service: uwsgi\n  question: Is it?\n  value: bussy_ratio\n  fail: '> 1'\n  finding: f\n  advice: a", "bussy_ratio"),
        ("- name: x\n  state: warn\n  facts: {}\n  fact: 1", "a case has no fact"),
        ("launch_uwsgi: {schema: 1, instances: [{name: a, bussy_ratio: 1}]}", "bussy_ratio is not documented"),
        ("bugfixes: [no area]", "area - sentence"),
    ],
)
def test_a_wrong_document(text: str, says: str) -> None:
    found = document_problems(text)
    assert len(found) >= 1 and says in "\n".join(found)


@pytest.mark.parametrize(
    "language, text, says",
    [
        ("", "x", "no language"),
        ("ini", "x", "a block of ini"),
        ("text", "x", "no test"),
        ("console", "x", "no command"),
        ("shell", "", "no command"),
    ],
)
def test_no_block_is_skipped(language: str, text: str, says: str) -> None:
    assert says in "\n".join(problems(Example("README.md", 1, language, text)))


def test_a_block_that_is_never_closed(tmp_path: pathlib.Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```yaml\na: b\n")
    with pytest.raises(AssertionError, match="never closed"):
        list(fenced(page))
