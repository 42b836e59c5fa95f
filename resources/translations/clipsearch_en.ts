<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en" sourcelanguage="en">
<context>
    <name>wording</name>
    <message numerus="yes">
        <source>%Ln photos</source>
        <translation>
            <numerusform>%Ln photo</numerusform>
            <numerusform>%Ln photos</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln matches</source>
        <translation>
            <numerusform>%Ln match</numerusform>
            <numerusform>%Ln matches</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln problems</source>
        <translation>
            <numerusform>%Ln problem</numerusform>
            <numerusform>%Ln problems</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln photos to go</source>
        <translation>
            <numerusform>%Ln photo to go</numerusform>
            <numerusform>%Ln photos to go</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>Burst of %Ln photos</source>
        <translation>
            <numerusform>Burst of %Ln photo</numerusform>
            <numerusform>Burst of %Ln photos</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln less sure</source>
        <translation>
            <numerusform>%Ln less sure</numerusform>
            <numerusform>%Ln less sure</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%Ln files cannot be read.</source>
        <translation>
            <numerusform>%Ln file cannot be read.</numerusform>
            <numerusform>%Ln files cannot be read.</numerusform>
        </translation>
    </message>
</context>
</TS>
